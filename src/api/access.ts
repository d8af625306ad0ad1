/**
 * Who asks on /v2, and may they do it. Who may not see a repository is told the same as where there is none: what is refused
 * depends on what was asked for, never on what exists.
 */
import type { Middleware } from 'koa';
import type { Action } from '../auth/access.ts';
import type { Authenticator } from '../auth/authenticate.ts';
import { isJwt, parseAuthorization } from '../auth/credentials.ts';
import { carries, wasRefused } from '../auth/grants.ts';
import { anonymous, type Identity, type RegistryTokenIdentity, type ScopeGrant } from '../auth/identity.ts';
import type { Principals } from '../auth/principals.ts';
import { describeRefusal } from '../auth/refusal.ts';
import type { RegistryTokens } from '../auth/registry-tokens.ts';
import type { RepositoryRights } from '../auth/repository-rights.ts';
import { formatScope, repositoryScope } from '../auth/scope.ts';
import { OciError } from '../oci/errors.ts';
import { type BelowName, isBelowName, parseVirtualName, type RepositoryName } from '../oci/reference.ts';
import {
  challenge,
  type Fault,
  isUpload,
  mountSourceOf,
  registryScopeOf,
  scopesFor,
  scopesOf,
  type TokenRealm,
} from './challenge.ts';
import type { RequestContext, RequestState } from './state.ts';

/** Another token service, to which the say over hosted repositories is delegated. */
export interface DelegatedTokens extends TokenRealm {
  readonly tokens: TokenVerifier;
}

type TokenVerifier = Pick<RegistryTokens, 'findVerified' | 'verify'>;

export interface RegistryAccessOptions {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly registryTokens: TokenVerifier;
  readonly delegate?: DelegatedTokens | undefined;
  readonly rights: RepositoryRights;
  readonly principals: Pick<Principals, 'find'>;
  /**
   * False: requests without credentials are anonymous instead of challenged, at `/v2/` too, and what a token carries does
   * not matter. Credentials that are sent must be good all the same: whoever sends wrong ones wants to know.
   */
  readonly isLoginRequired: boolean;
}

export class RegistryAccess {
  readonly #options: RegistryAccessOptions;

  constructor(options: RegistryAccessOptions) {
    this.#options = options;
  }

  /** Sets `ctx.state.identity`. @throws OciError UNAUTHORIZED with a challenge, TOOMANYREQUESTS */
  readonly middleware: Middleware<RequestState> = (ctx, next) => {
    const header = ctx.get('Authorization');
    const verified = header.startsWith('Bearer ')
      ? this.#findVerified(header.slice('Bearer '.length))
      : undefined;
    return verified ? this.#proceed(ctx, verified, next) : this.#authenticate(ctx, header, next);
  };

  /**
   * @throws OciError UNAUTHORIZED with a new challenge where another token could help, or the token's owner is gone;
   * NAME_UNKNOWN where they may not pull, DENIED where they may not push or delete, in both cases whether or not it exists, and where a
   * protection rule keeps them from it; NAME_UNKNOWN too where a token was issued for pushing or deleting, and the project has gone since;
   * UNSUPPORTED for a change to a virtual registry
   */
  async require(ctx: RequestContext, name: RepositoryName | BelowName, action: Action): Promise<void> {
    const isVirtual = isVirtualPlace(name);
    if (isVirtual && action !== 'pull') throw unchangeable(ctx);
    const wanted = () => scopesFor(ctx, name, action);
    const source = mountSourceOf(ctx);
    // Without the right to the source a mount becomes an upload, but a client whose token was not made for it may get one.
    if (source !== undefined) this.#demand(ctx, repositoryScope(source, ['pull']), wanted);
    if (await this.#options.rights.may(ctx.state.identity, name, action)) return;
    this.#demand(ctx, repositoryScope(name, [action]), wanted);
    await this.#demandOwner(ctx, wanted);
    await this.#demandProject(ctx, name, action, wanted);
    if (action === 'pull') throw unknown(name, isVirtual);
    const verdict = await this.#options.rights.judge(ctx.state.identity, name, action);
    if (verdict !== 'protected') throw denied(name, action);
    // Where nobody needs to log in, who may do it is known by logging in.
    if (ctx.state.identity.kind !== 'anonymous')
      throw new OciError('DENIED', { detail: guarded(name, action) });
    throw this.#challenge(ctx, wanted(), { detail: `${guarded(name, action)}. Log in` });
  }

  /** What rules that protect tags compare with what they ask for. */
  protectionLevel({ state: { identity } }: RequestContext, name: RepositoryName): Promise<number> {
    return this.#options.rights.protectionLevel(identity, name);
  }

  /**
   * @throws OciError UNAUTHORIZED where a token neither carries nor was refused what is needed: another one may carry it. Where
   * it was made for nobody, one that is made for somebody may.
   */
  #demand(ctx: RequestContext, needed: ScopeGrant, wanted: () => readonly ScopeGrant[]): void {
    const bearer = this.#bearerOf(ctx);
    if (!bearer || carries(bearer, needed)) return;
    const isNobody = bearer.principal === undefined;
    if (wasRefused(bearer, needed) && !isNobody) return;
    const remedy = isNobody ? ': log in' : '';
    const detail = `the token was not issued for ${formatScope(needed)}${remedy}`;
    throw this.#challenge(ctx, wanted(), { error: 'insufficient_scope', detail });
  }

  /** @throws OciError UNAUTHORIZED where whoever the token was made for is blocked or gone, or what they came with was revoked */
  async #demandOwner(ctx: RequestContext, wanted: () => readonly ScopeGrant[]): Promise<void> {
    const ref = this.#bearerOf(ctx)?.principal;
    if (!ref || ref.kind === 'external' || (await this.#options.principals.find(ref))) return;
    const detail = 'what the token was issued for was revoked or has expired, or the account is blocked';
    throw this.#challenge(ctx, wanted(), { error: 'invalid_token', detail });
  }

  /**
   * What the token carries may have gone with its project, or be another project's now.
   * @throws OciError NAME_UNKNOWN, UNAUTHORIZED
   */
  async #demandProject(
    ctx: RequestContext,
    name: RepositoryName | BelowName,
    action: Action,
    wanted: () => readonly ScopeGrant[],
  ): Promise<void> {
    const granted = this.#bearerOf(ctx)?.access.find(
      (grant) => grant.type === 'repository' && grant.name === name && grant.actions.includes(action),
    );
    if (granted?.project === undefined) return;
    const project = await this.#options.rights.findProject(name);
    if (!project) throw gone(name);
    if (project.id === granted.project) return;
    const detail = `the token was issued when ${name} belonged to another project`;
    throw this.#challenge(ctx, wanted(), { error: 'invalid_token', detail });
  }

  /** Undefined too where it makes no difference who it is. */
  #bearerOf({ state: { identity } }: RequestContext): RegistryTokenIdentity | undefined {
    return identity.kind === 'registry-token' && this.#options.isLoginRequired ? identity : undefined;
  }

  #challenge(ctx: RequestContext, scopes: readonly ScopeGrant[], fault: Fault): OciError {
    return challenge(ctx, scopes, fault, this.#options.delegate);
  }

  #findVerified(token: string): RegistryTokenIdentity | undefined {
    const { registryTokens, delegate } = this.#options;
    return registryTokens.findVerified(token) ?? delegate?.tokens.findVerified(token);
  }

  async #authenticate(ctx: RequestContext, header: string, next: () => Promise<unknown>): Promise<void> {
    await this.#proceed(ctx, await this.#identify(ctx, header), next);
  }

  #proceed(ctx: RequestContext, identity: Identity, next: () => Promise<unknown>): Promise<unknown> {
    ctx.state.identity = identity;
    const scope = registryScopeOf(ctx);
    if (scope) this.#demand(ctx, scope, () => [scope]);
    return next();
  }

  async #identify(ctx: RequestContext, header: string): Promise<Identity> {
    const credentials = parseAuthorization(header);
    if (credentials === undefined) {
      if (!this.#options.isLoginRequired) return anonymous;
      throw this.#challenge(ctx, scopesOf(ctx), { detail: 'log in first' });
    }
    if (credentials === 'invalid') {
      const detail = 'the Authorization header is neither Basic nor Bearer';
      throw this.#challenge(ctx, scopesOf(ctx), { detail });
    }
    if (credentials.kind === 'token' && isJwt(credentials.token)) {
      const { registryTokens, delegate } = this.#options;
      const { token } = credentials;
      const bearer = (await registryTokens.verify(token)) ?? (await delegate?.tokens.verify(token));
      if (bearer) return bearer;
    }
    const authentication = await this.#options.authenticator.authenticate(credentials, ctx.state.address);
    if (authentication.kind !== 'refused') return authentication;
    const detail = describeRefusal(authentication);
    if (authentication.reason !== 'throttled') {
      throw this.#challenge(ctx, scopesOf(ctx), {
        detail,
        ...(credentials.kind === 'token' && { error: 'invalid_token' }),
      });
    }
    const headers = { 'Retry-After': String(authentication.retryAfterSeconds ?? 1) };
    throw new OciError('TOOMANYREQUESTS', { detail, headers });
  }
}

function isVirtualPlace(name: RepositoryName | BelowName): boolean {
  return !isBelowName(name) && parseVirtualName(name) !== undefined;
}

function gone(name: string): OciError {
  return new OciError('NAME_UNKNOWN', {
    detail: `there is no project for ${name} any more: it was renamed, transferred or deleted after the token was issued`,
  });
}

function unknown(name: string, isVirtual: boolean): OciError {
  const causes = isVirtual
    ? 'there may be no such virtual registry, the user may not be a member of its group (Guest or more), or their access token may lack the scope read_virtual_registry or api'
    : 'there may be no such project, it may be private and the user have no role in it (Reporter or more), or their access token may lack the scope read_registry or api';
  return new OciError('NAME_UNKNOWN', { detail: `${name} cannot be pulled from: ${causes}` });
}

/** Begins as GitLab's token service says it. */
function guarded(name: string, action: Action): string {
  const gerund = action === 'push' ? 'Pushing to' : 'Deleting from';
  return `${gerund} protected repository path forbidden: a protection rule of the project asks for a higher role for ${name}`;
}

function denied(name: string, action: Action): OciError {
  const verb = action === 'push' ? 'push to' : 'delete from';
  return new OciError('DENIED', {
    detail: `there is no project for ${name} that you may ${verb}: create it (POST /api/v4/projects), ask for the role Developer in its group, or use an access token with the scope write_registry or api`,
  });
}

/** Before anything else, as it has nothing to do with who asks. */
function unchangeable(ctx: RequestContext): OciError {
  return new OciError('UNSUPPORTED', {
    detail: `${ctx.method} is not possible here: virtual registries are for pulling, and take no pushes and no deletions`,
    headers: { Allow: isUpload(ctx) ? '' : 'GET, HEAD' },
  });
}
