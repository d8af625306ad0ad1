/** Images of virtual registries that are kept whatever room there is; ours. */
import { z } from 'zod';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { registryPath } from '../endpoint/named-ids.ts';
import { filled, integer, maxNameLength } from '../endpoint/parameters.ts';
import type { CachePinService } from './cache-pins.ts';

const path = '/virtual_registries/container/registries/:id/pins';

const newPin = z
  .object({
    image: filled(maxNameLength).meta({
      description: 'Its name at the upstream; `*` stands for anything within a segment, `**` for anything',
    }),
    tag: filled(maxNameLength).nullish().meta({ description: 'Of these tags only; may have stars' }),
    digest: filled(maxNameLength).nullish().meta({ description: 'Of this manifest only' }),
  })
  .refine(({ tag, digest }) => tag == null || digest == null, 'tag, digest are mutually exclusive');

const pinResponse = z
  .object({
    id: z.int(),
    registry_id: z.int(),
    image: z.string(),
    tag: z.string().nullable(),
    digest: z.string().nullable(),
    created_at: instantText,
  })
  .meta({ id: 'CachePin' });

export function cachePinEndpoints(pins: CachePinService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'What is pinned in the cache of a virtual registry, oldest first',
      pathParams: registryPath,
      status: 200,
      response: z.array(pinResponse),
      handle: (actor, { id }) => pins.list(actor, id),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Pin images of a virtual registry: they are kept in the cache',
      pathParams: registryPath,
      params: newPin,
      status: 201,
      response: pinResponse,
      handle: (actor, { id, image, tag, digest }) =>
        pins.create(actor, id, { image, tag: tag ?? undefined, digest: digest ?? undefined }),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:pin_id`,
      summary: 'Unpin images of a virtual registry',
      pathParams: registryPath.extend({ pin_id: integer }),
      status: 204,
      handle: (actor, { id, pinId }) => pins.remove(actor, id, pinId),
    }),
  ];
}
