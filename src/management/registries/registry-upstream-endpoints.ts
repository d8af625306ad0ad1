/** https://docs.gitlab.com/api/container_virtual_registries/ */
import { z } from 'zod';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { idOf } from '../endpoint/named-ids.ts';
import { choiceBetween, recordId } from '../endpoint/parameters.ts';
import type { AssociationService } from './associations.ts';

const all = '/virtual_registries/container/registry_upstreams';
const one = `${all}/:id`;
/** GitLab's; beyond the last position is the last. */
const maxPosition = 20;

const associationResponse = z
  .object({ id: z.int(), registry_id: z.int(), upstream_id: z.int(), position: z.int() })
  .meta({ id: 'RegistryUpstream' });

/** @param maxUpstreams per virtual registry */
export function registryUpstreamEndpoints(
  associations: AssociationService,
  maxUpstreams: number,
): readonly Endpoint[] {
  const position = choiceBetween(1, Math.max(maxPosition, maxUpstreams));
  return [
    endpoint({
      method: 'POST',
      path: all,
      summary: 'Let a virtual registry use an upstream of its group, at the last position',
      params: z.object({ registry_id: idOf('registry'), upstream_id: idOf('upstream') }),
      status: 201,
      takesJobTokens: true,
      response: associationResponse,
      handle: (actor, { registryId, upstreamId }) => associations.create(actor, registryId, upstreamId),
    }),
    endpoint({
      method: 'PATCH',
      path: one,
      summary: 'Move an upstream to another position in a virtual registry',
      pathParams: recordId,
      params: z.object({ position }),
      status: 200,
      takesJobTokens: true,
      response: associationResponse,
      handle: (actor, { id, position: to }) => associations.move(actor, id, to),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Take an upstream out of a virtual registry',
      pathParams: recordId,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }) => associations.remove(actor, id),
    }),
  ];
}
