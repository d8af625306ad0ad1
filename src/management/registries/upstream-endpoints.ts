/** https://docs.gitlab.com/api/container_virtual_registries/ */
import { z } from 'zod';
import { maxGlobLength } from '../../rules/glob.ts';
import { maxGlobs } from '../../rules/globs.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import {
  filled,
  groupId,
  integerBetween,
  list,
  maxDescriptionLength,
  maxNameLength,
  recordId,
  someOf,
  text,
  truth,
} from '../endpoint/parameters.ts';
import type { ConnectionTestService } from './connection-tests.ts';
import { positionBody, positionResponse, upstreamBody, upstreamResponse } from './upstream-body.ts';
import type { HealthOf } from './upstream-state.ts';
import { maxUrlLength } from './upstream-url.ts';
import type { UpstreamService } from './upstreams.ts';

const ofGroup = '/groups/:id/-/virtual_registries/container/upstreams';
const ofRegistry = '/virtual_registries/container/registries/:id/upstreams';
const one = '/virtual_registries/container/upstreams/:id';
const maxSecretLength = 510;
const maxValidityHours = 32_767;

/** Commas belong to globs: `{alpine,redis}`. */
const patterns = list(filled(maxGlobLength), maxGlobs, ' ');
const ourFields = {
  allow_patterns: patterns.optional(),
  deny_patterns: patterns.optional(),
  allow_private_network: truth.optional(),
};
const filter = pageParams.extend({ upstream_name: text(maxNameLength).optional() });
const newUpstream = z.object({
  url: filled(maxUrlLength),
  name: filled(maxNameLength),
  description: text(maxDescriptionLength).nullish(),
  username: text(maxSecretLength).nullish(),
  password: text(maxSecretLength).nullish(),
  cache_validity_hours: integerBetween(0, maxValidityHours).optional(),
  ...ourFields,
});
const upstreamChanges = someOf(
  z.object({
    url: filled(maxUrlLength).optional(),
    name: filled(maxNameLength).optional(),
    description: text(maxDescriptionLength).nullish(),
    username: filled(maxSecretLength).optional(),
    password: filled(maxSecretLength).optional(),
    cache_validity_hours: integerBetween(0, maxValidityHours).optional(),
    ...ourFields,
  }),
);
const tried = z.object({
  username: text(maxSecretLength).nullish(),
  password: text(maxSecretLength).nullish(),
  allow_private_network: truth.optional(),
});

const placedResponse = upstreamResponse
  .extend({ registry_upstream: positionResponse })
  .meta({ id: 'PlacedUpstream' });
const detailsResponse = upstreamResponse
  .extend({ registry_upstreams: z.array(positionResponse) })
  .meta({ id: 'UpstreamDetails' });
const testResponse = z
  .union([
    z.object({ success: z.literal(true) }),
    z.object({ success: z.literal(false), result: z.string().meta({ description: 'What went wrong' }) }),
  ])
  .meta({ id: 'ConnectionTest' });

export function upstreamEndpoints(
  upstreams: UpstreamService,
  connectionTests: ConnectionTestService,
  healthOf: HealthOf,
): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: ofGroup,
      summary: 'The upstreams of a top-level group, oldest first',
      pathParams: groupId,
      params: filter,
      status: 200,
      takesJobTokens: true,
      response: z.array(upstreamResponse),
      handle: async (actor, { id, upstream_name: name, ...page }) => {
        const { records, total } = await upstreams.listByGroup(actor, id, name, pageOf(page));
        return new PagedBody(
          records.map((upstream) => upstreamBody(upstream, healthOf)),
          total,
          page,
        );
      },
    }),
    endpoint({
      method: 'POST',
      path: `${ofGroup}/test`,
      summary: 'Test the connection to an upstream that may come',
      pathParams: groupId,
      params: tried.extend({ url: filled(maxUrlLength) }),
      status: 200,
      takesJobTokens: true,
      response: testResponse,
      handle: (actor, { id, ...input }) =>
        connectionTests.testNew(actor, id, { ...accessOf(input), url: input.url }),
    }),
    endpoint({
      method: 'GET',
      path: ofRegistry,
      summary: 'The upstreams of a virtual registry, in the order they are asked',
      pathParams: recordId,
      status: 200,
      takesJobTokens: true,
      response: z.array(placedResponse),
      handle: async (actor, { id }) =>
        (await upstreams.listByRegistry(actor, id)).map((upstream) => ({
          ...upstreamBody(upstream, healthOf),
          registry_upstream: positionBody(upstream.registryUpstream),
        })),
    }),
    endpoint({
      method: 'POST',
      path: ofRegistry,
      summary: 'Create an upstream at the last position of a virtual registry',
      pathParams: recordId,
      params: newUpstream,
      status: 201,
      takesJobTokens: true,
      response: placedResponse,
      handle: async (actor, { id, ...input }) => {
        const upstream = await upstreams.create(actor, id, {
          ...inputOf(input),
          url: input.url,
          name: input.name,
        });
        return {
          ...upstreamBody(upstream, healthOf),
          registry_upstream: positionBody(upstream.registryUpstream),
        };
      },
    }),
    endpoint({
      method: 'GET',
      path: one,
      summary: 'An upstream with its positions',
      pathParams: recordId,
      status: 200,
      takesJobTokens: true,
      response: detailsResponse,
      handle: async (actor, { id }) => {
        const upstream = await upstreams.get(actor, id);
        return {
          ...upstreamBody(upstream, healthOf),
          registry_upstreams: upstream.registryUpstreams.map(positionBody),
        };
      },
    }),
    endpoint({
      method: 'PATCH',
      path: one,
      summary: 'Change an upstream; a new URL without new credentials drops the old ones',
      pathParams: recordId,
      params: upstreamChanges,
      status: 200,
      takesJobTokens: true,
      response: upstreamResponse,
      handle: async (actor, { id, ...input }) =>
        upstreamBody(await upstreams.update(actor, id, inputOf(input)), healthOf),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Delete an upstream, from every virtual registry',
      pathParams: recordId,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }, { unmodifiedSince }) => upstreams.remove(actor, id, unmodifiedSince),
    }),
    endpoint({
      method: 'DELETE',
      path: `${one}/cache`,
      summary: 'Forget what is cached of an upstream',
      pathParams: recordId,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }) => upstreams.clearCache(actor, id),
    }),
    endpoint({
      method: 'POST',
      path: `${one}/test`,
      summary: 'Test the connection to an upstream, as it is or as it may become',
      pathParams: recordId,
      params: tried.extend({ url: filled(maxUrlLength).optional() }),
      status: 200,
      takesJobTokens: true,
      response: testResponse,
      handle: (actor, { id, ...input }) =>
        connectionTests.test(actor, id, { ...accessOf(input), url: input.url }),
    }),
  ];
}

type NewUpstream = z.output<typeof newUpstream>;
type Given = { readonly [K in keyof NewUpstream]?: NewUpstream[K] | undefined };

function accessOf(input: Pick<Given, 'username' | 'password' | 'allow_private_network'>) {
  return {
    username: input.username ?? undefined,
    password: input.password ?? undefined,
    allowPrivateNetwork: input.allow_private_network,
  };
}

function inputOf(input: Given) {
  return {
    ...accessOf(input),
    url: input.url,
    name: input.name,
    description: input.description,
    cacheValidityHours: input.cache_validity_hours,
    allowPatterns: input.allow_patterns,
    denyPatterns: input.deny_patterns,
  };
}
