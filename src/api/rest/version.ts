/** https://docs.gitlab.com/api/version/ */
import { type Endpoint, endpoint } from './endpoint.ts';

export interface Version {
  /** `1.2.3` */
  readonly version: string;
  /** Of the sources; undefined where nobody knows. */
  readonly revision: string | undefined;
}

export function versionEndpoints({ version, revision }: Version): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/version',
      summary: 'The version of this server',
      status: 200,
      purpose: 'read-self',
      handle: async () => ({ version, revision: revision ?? null, enterprise: false }),
    }),
  ];
}
