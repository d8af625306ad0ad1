/** https://docs.gitlab.com/api/container_virtual_registries/ */
import { z } from 'zod';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { registryPath } from '../endpoint/named-ids.ts';
import {
  filled,
  groupId,
  maxDescriptionLength,
  maxNameLength,
  orNone,
  someOf,
  text,
  truth,
} from '../endpoint/parameters.ts';
import { explanationBody, explanationResponse, parseImageReference } from './explanation.ts';
import type { VirtualRegistryService } from './virtual-registries.ts';

const ofGroup = '/groups/:id/-/virtual_registries/container/registries';
const one = '/virtual_registries/container/registries/:id';
const maxImageLength = 512;

const newRegistry = z.object({
  name: filled(maxNameLength),
  description: orNone(text(maxDescriptionLength).nullable()),
  anonymous_pull: truth.default(false),
});
const registryChanges = someOf(
  z.object({
    name: filled(maxNameLength).optional(),
    description: filled(maxDescriptionLength).optional(),
    anonymous_pull: truth.optional(),
  }),
);

const registryResponse = z
  .object({
    id: z.int(),
    group_id: z.int(),
    name: z.string(),
    description: z.string().nullable(),
    anonymous_pull: z.boolean(),
    created_at: instantText,
    updated_at: instantText,
  })
  .meta({ id: 'VirtualRegistry' });
const detailedResponse = registryResponse
  .extend({
    registry_upstreams: z.array(z.object({ id: z.int(), position: z.int(), upstream_id: z.int() })),
  })
  .meta({ id: 'VirtualRegistryDetails' });

export function virtualRegistryEndpoints(registries: VirtualRegistryService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: ofGroup,
      summary: 'The virtual registries of a top-level group, oldest first',
      pathParams: groupId,
      status: 200,
      takesJobTokens: true,
      response: z.array(registryResponse),
      handle: (actor, { id }) => registries.list(actor, id),
    }),
    endpoint({
      method: 'POST',
      path: ofGroup,
      summary: 'Create a virtual registry in a top-level group',
      pathParams: groupId,
      params: newRegistry,
      status: 201,
      takesJobTokens: true,
      response: registryResponse,
      handle: (actor, { id, ...input }) => registries.create(actor, id, input),
    }),
    endpoint({
      method: 'GET',
      path: one,
      summary: 'A virtual registry with the order of its upstreams',
      pathParams: registryPath,
      status: 200,
      takesJobTokens: true,
      response: detailedResponse,
      handle: (actor, { id }) => registries.get(actor, id),
    }),
    endpoint({
      method: 'PATCH',
      path: one,
      summary: 'Change a virtual registry',
      pathParams: registryPath,
      params: registryChanges,
      status: 200,
      takesJobTokens: true,
      response: registryResponse,
      handle: (actor, { id, ...changes }) => registries.update(actor, id, changes),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Delete a virtual registry with the upstreams that no other uses',
      pathParams: registryPath,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }, { unmodifiedSince }) => registries.remove(actor, id, unmodifiedSince),
    }),
    endpoint({
      method: 'DELETE',
      path: `${one}/cache`,
      summary: 'Forget what is cached of the upstreams that no other virtual registry uses',
      pathParams: registryPath,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }) => registries.clearCache(actor, id),
    }),
    endpoint({
      method: 'GET',
      path: `${one}/explain`,
      summary: 'How a pull would be answered now, and why',
      pathParams: registryPath,
      params: z.object({ image: filled(maxImageLength) }),
      status: 200,
      takesJobTokens: true,
      response: explanationResponse,
      handle: async (actor, { id, image: written }) => {
        const { image, reference } = parseImageReference(written);
        return explanationBody(image, reference, await registries.explain(actor, id, image, reference));
      },
    }),
  ];
}
