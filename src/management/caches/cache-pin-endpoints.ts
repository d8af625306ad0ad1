/** Images of virtual registries that are kept whatever room there is; ours. */
import { z } from 'zod';
import type { CachePin } from '../../metadata/cached/cache-pins.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { filled, integer, maxNameLength, recordId } from '../endpoint/parameters.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
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
      pathParams: recordId,
      status: 200,
      response: z.array(pinResponse),
      handle: async (actor, { id }) => (await pins.list(actor, id)).map(pinBody),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Pin images of a virtual registry: they are kept in the cache',
      pathParams: recordId,
      params: newPin,
      status: 201,
      response: pinResponse,
      handle: async (actor, { id, image, tag, digest }) =>
        pinBody(await pins.create(actor, id, { image, tag: tag ?? undefined, digest: digest ?? undefined })),
    }),
    endpoint({
      method: 'DELETE',
      path: `${path}/:pin_id`,
      summary: 'Unpin images of a virtual registry',
      pathParams: recordId.extend({ pin_id: integer }),
      status: 204,
      handle: (actor, { id, pin_id }) => pins.remove(actor, id, pin_id),
    }),
  ];
}

function pinBody(pin: CachePin): BodyOf<typeof pinResponse> {
  return {
    id: pin.id,
    registry_id: pin.registryId,
    image: pin.image,
    tag: pin.tag ?? null,
    digest: pin.digest ?? null,
    created_at: formatInstant(pin.createdAt),
  };
}
