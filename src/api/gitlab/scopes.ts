/** What a token needs to carry for a request to /gitlab/v1, for the challenge that tells clients to get one. */
import type { ScopeGrant } from '../../auth/rights/identity.ts';
import { repositoryScope } from '../../auth/rights/scope.ts';
import { belowName, isRepositoryName } from '../../oci/reference.ts';
import type { RequestContext } from '../state.ts';

export const gitlabPrefix = '/gitlab/v1/';

/** Names may end in words of paths, so the last of them is the one that counts. */
const tagsPattern = /^\/gitlab\/v1\/repositories\/(.+)\/tags\/(?:list|detail\/[^/]+)\/$/;
const detailsPattern = /^\/gitlab\/v1\/repositories\/(.+)\/$/;
const belowPattern = /^\/gitlab\/v1\/repository-paths\/(.+)\/repositories\/list\/$/;

/** Nothing where the path names nothing, or nothing that may stand in a header. */
export function gitlabScopesOf(ctx: RequestContext): readonly ScopeGrant[] {
  const { path, method } = ctx;
  const parent = belowPattern.exec(path)?.[1];
  const name = parent ?? tagsPattern.exec(path)?.[1] ?? detailsPattern.exec(path)?.[1];
  if (name === undefined || !isRepositoryName(name)) return [];
  const own = repositoryScope(name, method === 'PATCH' ? ['pull', 'push'] : ['pull']);
  const isDeep =
    parent !== undefined || new URLSearchParams(ctx.querystring).get('size') === 'self_with_descendants';
  return isDeep ? [own, repositoryScope(belowName(name), ['pull'])] : [own];
}

export function isStatistics(ctx: RequestContext): boolean {
  return ctx.path === `${gitlabPrefix}statistics/`;
}
