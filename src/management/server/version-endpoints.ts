/** https://docs.gitlab.com/api/version/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';

export interface Version {
  /** `1.2.3` */
  readonly version: string;
  /** The revision of the sources; undefined where nobody knows. */
  readonly revision: string | undefined;
}

const versionResponse = z.object({
  version: z.string(),
  revision: z.string().nullable(),
  enterprise: z.literal(false),
});

/** https://docs.gitlab.com/api/metadata/ */
const metadataResponse = versionResponse.extend({
  kas: z.object({
    enabled: z.literal(false),
    externalUrl: z.null(),
    externalK8sProxyUrl: z.null(),
    version: z.null(),
  }),
});

export function versionEndpoints({ version, revision }: Version): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/version',
      summary: 'The version of this server',
      status: 200,
      response: versionResponse,
      purpose: 'read-self',
      handle: async () => ({ version, revision, enterprise: false as const }),
    }),
    endpoint({
      method: 'GET',
      path: '/metadata',
      summary:
        'The version of this server, with what GitLab says of its agents, of which there are none here',
      status: 200,
      response: metadataResponse,
      purpose: 'read-self',
      handle: async () => ({
        version,
        revision,
        enterprise: false as const,
        kas: { enabled: false as const },
      }),
    }),
  ];
}
