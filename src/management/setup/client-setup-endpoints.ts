import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { registryPath } from '../endpoint/named-ids.ts';
import { type ClientSetupService, setupClients } from './client-setups.ts';

export function clientSetupEndpoints(setups: ClientSetupService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/virtual_registries/container/registries/:id/setup',
      summary: 'The file or the commands by which a client pulls through a virtual registry of this server',
      pathParams: registryPath,
      params: z.object({ client: z.enum(setupClients) }),
      status: 200,
      takesJobTokens: true,
      isText: true,
      response: z.string(),
      errors: [409],
      handle: (actor, { id: registryId, client }, { externalUrl }) =>
        setups.get(actor, { registryId, client, externalUrl }),
    }),
  ];
}
