/**
 * The 401 that tells clients where tokens are to be had and which scopes to ask for, since most of them ask for exactly that.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 */
import type { Action } from '../auth/rights/access.ts';
import type { ScopeGrant } from '../auth/rights/identity.ts';
import { catalogScope, formatScope, repositoryScope, statisticsScope } from '../auth/rights/scope.ts';
import { OciError } from '../oci/errors.ts';
import { isRepositoryName, isVirtualName } from '../oci/reference.ts';
import { gitlabPrefix, gitlabScopesOf, isStatistics } from './gitlab/scopes.ts';
import type { RequestContext } from './state.ts';

export interface Fault {
  readonly error?: 'invalid_token' | 'insufficient_scope';
  readonly detail: string;
}

/** Where tokens are to be had. */
export interface TokenRealm {
  /** An absolute URL. */
  readonly realm: string;
  readonly service: string;
}

/** @param delegate gives the tokens for all but virtual registries; undefined: we do */
export function challenge(
  ctx: RequestContext,
  scopes: readonly ScopeGrant[],
  fault: Fault,
  delegate: TokenRealm | undefined,
): OciError {
  const isDelegated =
    delegate !== undefined && !scopes.some(({ name }) => isRepositoryName(name) && isVirtualName(name));
  const { realm, service } = isDelegated
    ? delegate
    : { realm: `${ctx.state.externalUrl}/jwt/auth`, service: 'container_registry' };
  const parameters = [`realm="${realm}"`, `service="${service}"`];
  if (scopes.length > 0) parameters.push(`scope="${scopes.map(formatScope).join(' ')}"`);
  if (fault.error !== undefined) parameters.push(`error="${fault.error}"`);
  return new OciError('UNAUTHORIZED', {
    detail: fault.detail,
    headers: { 'WWW-Authenticate': `Bearer ${parameters.join(',')}` },
  });
}

const catalogPath = '/v2/_catalog';
/** Names may end in words of paths, so the last of them is the one that counts. */
const uploadPattern = /^\/v2\/(.+)\/blobs\/uploads(?:\/[^/]*)?$/;
const resourcePattern = /^\/v2\/(.+)\/(?:manifests|blobs|tags(?:\/reference)?|referrers)\/[^/]*$/;

/** What a token needs to carry for the request; nothing where its path names nothing, or nothing that may stand in a header. */
export function scopesOf(ctx: RequestContext): readonly ScopeGrant[] {
  const scope = registryScopeOf(ctx);
  if (scope) return [scope];
  if (ctx.path.startsWith(gitlabPrefix)) return gitlabScopesOf(ctx);
  const upload = uploadPattern.exec(ctx.path)?.[1];
  const name = upload ?? resourcePattern.exec(ctx.path)?.[1];
  if (name === undefined || !isRepositoryName(name)) return [];
  // Whatever is done with an upload is part of a push: asking how far it got, giving it up.
  return scopesFor(ctx, name, upload === undefined ? actionOf(ctx.method) : 'push');
}

/** As {@link scopesOf}, for one action: whoever pushes or deletes also pulls. With the source of a mount, if it is one. */
export function scopesFor(ctx: RequestContext, name: string, action: Action): readonly ScopeGrant[] {
  const scope = repositoryScope(name, action === 'pull' ? ['pull'] : ['pull', action]);
  const source = mountSourceOf(ctx);
  return source === undefined || source === name ? [scope] : [scope, repositoryScope(source, ['pull'])];
}

/** For what is not about single repositories; undefined for all else. */
export function registryScopeOf(ctx: RequestContext): ScopeGrant | undefined {
  if (ctx.path === catalogPath) return catalogScope;
  return isStatistics(ctx) ? statisticsScope : undefined;
}

export function isUpload(ctx: RequestContext): boolean {
  return uploadPattern.test(ctx.path);
}

/** The repository that a request to start an upload would rather have the blob mounted from. */
export function mountSourceOf(ctx: RequestContext): string | undefined {
  if (ctx.method !== 'POST' || !isUpload(ctx)) return undefined;
  const parameters = new URLSearchParams(ctx.querystring);
  const source = parameters.get('from');
  return source !== null && parameters.has('mount') && isRepositoryName(source) ? source : undefined;
}

function actionOf(method: string): Action {
  switch (method) {
    case 'POST':
    case 'PUT':
    case 'PATCH':
      return 'push';
    case 'DELETE':
      return 'delete';
    default:
      return 'pull';
  }
}
