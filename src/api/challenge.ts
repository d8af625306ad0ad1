/**
 * The 401 that tells clients where tokens are to be had and which scopes to ask for, since most of them ask for exactly that.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/token.md
 */
import type { Action } from '../auth/rights/access.ts';
import type { ScopeGrant } from '../auth/rights/identity.ts';
import { formatScope, repositoryScope } from '../auth/rights/scope.ts';
import { OciError } from '../oci/errors.ts';
import { type BelowName, isRepositoryName, isVirtualName, type RepositoryName } from '../oci/reference.ts';
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

export const tokenPath = '/jwt/auth';

/**
 * Where tokens for a mirror are to be had: scopes without the prefix of the virtual registry's names get it there. dockerd asks for the scope of
 * the name that it knows, whatever the challenge says.
 */
export function mirrorTokenPath(registryId: number | string): string {
  return `${tokenPath}/virtual_registries/container/${registryId}`;
}

/** @param delegate the service that gives tokens for all but virtual registries; undefined: we do */
export function challenge(
  ctx: RequestContext,
  scopes: readonly ScopeGrant[],
  fault: Fault,
  delegate: TokenRealm | undefined,
): OciError {
  const { mirror, externalUrl } = ctx.state;
  const isDelegated =
    !mirror &&
    delegate !== undefined &&
    !scopes.some(({ name }) => isRepositoryName(name) && isVirtualName(name));
  const { realm, service } = isDelegated
    ? delegate
    : {
        realm: `${externalUrl}${mirror ? mirrorTokenPath(mirror.registryId) : tokenPath}`,
        service: 'container_registry',
      };
  const parameters = [`realm="${realm}"`, `service="${service}"`];
  if (scopes.length > 0) parameters.push(`scope="${scopes.map(formatScope).join(' ')}"`);
  if (fault.error !== undefined) parameters.push(`error="${fault.error}"`);
  return new OciError('UNAUTHORIZED', {
    detail: fault.detail,
    headers: { 'WWW-Authenticate': `Bearer ${parameters.join(',')}` },
  });
}

/** What a request does to a repository, or to all below a path. */
export interface Need {
  readonly name: RepositoryName | BelowName;
  readonly action: Action;
  /** The repository that an upload would rather have its blob mounted from. */
  readonly source?: RepositoryName | undefined;
  /** Whether it is a part of an upload, of which nothing can be got. */
  readonly isUpload?: boolean;
}

/** The scopes that a token for it carries: whoever pushes or deletes also pulls. */
export function scopesFor({ name, action, source }: Need): readonly ScopeGrant[] {
  const scope = repositoryScope(name, action === 'pull' ? ['pull'] : ['pull', action]);
  return source === undefined || source === name ? [scope] : [scope, repositoryScope(source, ['pull'])];
}
