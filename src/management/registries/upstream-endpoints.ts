/** https://docs.gitlab.com/api/container_virtual_registries/ */
import { z } from 'zod';
import type { UpstreamRecord } from '../../metadata/registries/upstreams.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { registryPath, upstreamPath } from '../endpoint/named-ids.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import { filled, groupId, maxNameLength, text } from '../endpoint/parameters.ts';
import type { ConnectionTestService } from './connection-tests.ts';
import { patternTrial, patternTrialResponse } from './pattern-trials.ts';
import {
  connectionTestResponse,
  newUpstream,
  placedResponse,
  triedAccess,
  upstreamBody,
  upstreamChanges,
  upstreamDetailsResponse,
  upstreamResponse,
} from './upstream-fields.ts';
import type { HealthOf } from './upstream-state.ts';
import { maxUrlLength } from './upstream-url.ts';
import type { UpstreamService } from './upstreams.ts';

const ofGroup = '/groups/:id/-/virtual_registries/container/upstreams';
const ofRegistry = '/virtual_registries/container/registries/:id/upstreams';
const one = '/virtual_registries/container/upstreams/:id';
const filter = pageParams.extend({ upstream_name: text(maxNameLength).optional() });

export function upstreamEndpoints(
  upstreams: UpstreamService,
  connectionTests: ConnectionTestService,
  healthOf: HealthOf,
): readonly Endpoint[] {
  const bodyOf = <U extends UpstreamRecord>(upstream: U) => upstreamBody(upstream, healthOf);
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
      handle: async (actor, { id, upstreamName, ...page }) =>
        pageBody(await upstreams.listByGroup(actor, id, upstreamName, page), page, bodyOf),
    }),
    endpoint({
      method: 'POST',
      path: `${ofGroup}/test`,
      summary: 'Test the connection to an upstream that may come',
      pathParams: groupId,
      params: triedAccess.extend({ url: filled(maxUrlLength) }),
      status: 200,
      takesJobTokens: true,
      response: connectionTestResponse,
      handle: (actor, { id, ...input }) => connectionTests.testNew(actor, id, input),
    }),
    endpoint({
      method: 'POST',
      path: `${ofGroup}/try_patterns`,
      summary: 'Whether patterns and prefixes that an upstream may come to have let an image through',
      pathParams: groupId,
      params: patternTrial,
      status: 200,
      takesJobTokens: true,
      response: patternTrialResponse,
      handle: (actor, { id, ...trial }) => connectionTests.tryPatterns(actor, id, trial),
    }),
    endpoint({
      method: 'GET',
      path: ofRegistry,
      summary: 'The upstreams of a virtual registry, in the order they are asked',
      pathParams: registryPath,
      status: 200,
      takesJobTokens: true,
      response: z.array(placedResponse),
      handle: async (actor, { id }) => (await upstreams.listByRegistry(actor, id)).map(bodyOf),
    }),
    endpoint({
      method: 'POST',
      path: ofRegistry,
      summary: 'Create an upstream at the last position of a virtual registry',
      pathParams: registryPath,
      params: newUpstream,
      status: 201,
      takesJobTokens: true,
      response: placedResponse,
      handle: async (actor, { id, ...input }) => bodyOf(await upstreams.create(actor, id, input)),
    }),
    endpoint({
      method: 'GET',
      path: one,
      summary: 'An upstream with its positions',
      pathParams: upstreamPath,
      status: 200,
      takesJobTokens: true,
      response: upstreamDetailsResponse,
      handle: async (actor, { id }) => bodyOf(await upstreams.get(actor, id)),
    }),
    endpoint({
      method: 'PATCH',
      path: one,
      summary: 'Change an upstream; a new URL without new credentials drops the old ones',
      pathParams: upstreamPath,
      params: upstreamChanges,
      status: 200,
      takesJobTokens: true,
      response: upstreamResponse,
      handle: async (actor, { id, ...input }) => bodyOf(await upstreams.update(actor, id, input)),
    }),
    endpoint({
      method: 'DELETE',
      path: one,
      summary: 'Delete an upstream, from every virtual registry',
      pathParams: upstreamPath,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }, { unmodifiedSince }) => upstreams.remove(actor, id, unmodifiedSince),
    }),
    endpoint({
      method: 'DELETE',
      path: `${one}/cache`,
      summary: 'Forget what is cached of an upstream',
      pathParams: upstreamPath,
      status: 204,
      takesJobTokens: true,
      handle: (actor, { id }) => upstreams.clearCache(actor, id),
    }),
    endpoint({
      method: 'POST',
      path: `${one}/test`,
      summary: 'Test the connection to an upstream, as it is or as it may become',
      pathParams: upstreamPath,
      params: triedAccess.extend({ url: filled(maxUrlLength).optional() }),
      status: 200,
      takesJobTokens: true,
      response: connectionTestResponse,
      handle: (actor, { id, ...input }) => connectionTests.test(actor, id, input),
    }),
  ];
}
