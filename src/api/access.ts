/**
 * Who asks on /v2, and whether they may. Whoever may not see a repository is told the same as where there is none: what is refused
 * depends on what was asked for, never on what exists.
 */
import { logRefusedLogin } from '../auth/credentials/login-log.ts';
import type { DenialCauses } from '../auth/rights/denial-causes.ts';
import {
  type Identity,
  nameOf,
  type RegistryTokenIdentity,
  type ScopeGrant,
} from '../auth/rights/identity.ts';
import type { RepositoryRights } from '../auth/rights/repository-rights.ts';
import { formatScope, repositoryScope } from '../auth/rights/scope.ts';
import { carries, wasRefused } from '../auth/tokens/grants.ts';
import type { Principals } from '../auth/tokens/principals.ts';
import type { PersonalProjects } from '../management/namespaces/personal-namespaces.ts';
import { OciError } from '../oci/errors.ts';
import {
  type BelowName,
  isBelowName,
  isVirtualName,
  parseVirtualName,
  type RepositoryName,
} from '../oci/reference.ts';
import { challenge, type Fault, type Need, scopesFor } from './challenge.ts';
import { denial, gone, guarded, noVirtualRegistry } from './denial-answers.ts';
import { type DenialObserver, noteDenial } from './denial-notes.ts';
import { type ClientIdentification, identifyClient } from './identify-client.ts';
import type { RateLimit } from './rate-limits.ts';
import type { RequestContext } from './state.ts';

export interface RegistryAccessOptions extends ClientIdentification {
  readonly rights: RepositoryRights;
  readonly causes: Pick<DenialCauses, 'find'>;
  readonly principals: Pick<Principals, 'find' | 'judge'>;
  /** It throws OciError TOOMANYREQUESTS. */
  readonly rateLimit?: RateLimit;
  /** Says whether a pull counts for any limit. */
  readonly countsPull?: (identity: Identity, name: RepositoryName) => boolean;
  /** Makes what users push to in their own namespaces; undefined: they have none. */
  readonly personalProjects?: Pick<PersonalProjects, 'prepare'> | undefined;
  /** Learns of pushes and deletions that are denied. */
  readonly denials?: DenialObserver;
}

export class RegistryAccess {
  readonly #options: RegistryAccessOptions;

  constructor(options: RegistryAccessOptions) {
    this.#options = options;
  }

  /**
   * Sets `ctx.state.identity`.
   * @param wanted the scopes of the token that a challenge tells them to ask for
   * @param demanded a scope that no token goes without
   * @throws OciError UNAUTHORIZED with a challenge, TOOMANYREQUESTS
   */
  async identify(
    ctx: RequestContext,
    wanted: () => readonly ScopeGrant[],
    demanded?: ScopeGrant,
  ): Promise<void> {
    const identified = this.#options.rateLimit?.(ctx);
    const header = ctx.get('Authorization');
    const verified = header.startsWith('Bearer ')
      ? this.#findVerified(header.slice('Bearer '.length))
      : undefined;
    const identity = verified ?? (await this.#identifyClient(ctx, header, wanted, identified));
    ctx.state.identity = identity;
    identified?.(identity);
    if (demanded) this.#demand(ctx, demanded, wanted);
  }

  /** The bearer of a token that was verified before, who is known to be allowed to pull and is not counted. Undefined: {@link identify} and {@link require} say. */
  findPuller(header: string | undefined, name: RepositoryName): RegistryTokenIdentity | undefined {
    if (!header?.startsWith('Bearer ')) return undefined;
    const { rights, countsPull } = this.#options;
    const bearer = this.#findVerified(header.slice('Bearer '.length));
    if (!bearer || countsPull?.(bearer, name)) return undefined;
    return rights.isKnownToAllow(bearer, name, 'pull') ? bearer : undefined;
  }

  /** Finds out who asks. Wrong credentials count for the address; being asked for some, with which every client begins, does not. */
  async #identifyClient(
    ctx: RequestContext,
    header: string,
    wanted: () => readonly ScopeGrant[],
    identified: ((identity: undefined) => void) | undefined,
  ): Promise<Identity> {
    try {
      return await identifyClient(ctx, header, wanted, this.#options);
    } catch (error) {
      if (header !== '') identified?.(undefined);
      throw error;
    }
  }

  /**
   * @throws OciError UNAUTHORIZED with a new challenge where another token could help, or the token's owner is gone;
   * NAME_UNKNOWN where they may not pull, DENIED where they may not push or delete, in both cases whether or not it exists, and where a
   * protection rule keeps them from it; NAME_UNKNOWN too where a token was issued for pushing or deleting, and the project has gone since;
   * UNSUPPORTED for a change to a virtual registry
   */
  async require(ctx: RequestContext, need: Need): Promise<void> {
    try {
      await this.#require(ctx, need);
    } catch (error) {
      if (need.action !== 'pull') noteDenial(this.#options.denials, ctx, need.name, error, ['DENIED']);
      throw error;
    }
  }

  /** The client's level, which rules that protect tags compare with what they ask for. */
  protectionLevel({ state: { identity } }: RequestContext, name: RepositoryName): Promise<number> {
    return this.#options.rights.protectionLevel(identity, name);
  }

  async #require(ctx: RequestContext, need: Need): Promise<void> {
    const { name, action, source } = need;
    const isVirtual = !isBelowName(name) && isVirtualName(name);
    if (isVirtual && action !== 'pull') throw unchangeable(ctx, need);
    if (isVirtual && findRegistryId(name) === undefined) throw noVirtualRegistry(name);
    const wanted = () => scopesFor(need);
    // A client without the right to the source uploads instead of mounting, but one whose token was not made for it may get another token.
    if (source !== undefined) this.#demand(ctx, repositoryScope(source, ['pull']), wanted);
    const { rights, causes } = this.#options;
    const { identity, log, mirror } = ctx.state;
    const isOpen = mirror?.isAnonymous === true && findRegistryId(name) === mirror.registryId;
    if (isOpen || (await rights.may(identity, name, action)) || (await this.#mayNow(ctx, need))) {
      log.debug({ repository: name, action, user: nameOf(identity) }, 'access was allowed');
      return;
    }
    this.#demand(ctx, repositoryScope(name, [action]), wanted);
    await this.#demandNewer(ctx, need, wanted);
    await this.#demandOwner(ctx, wanted);
    await this.#demandProject(ctx, need, wanted);
    if (action === 'pull' || (await rights.judge(identity, name, action)) !== 'protected') {
      const cause = await causes.find(identity, name, action);
      log.debug({ repository: name, action, user: nameOf(identity), cause }, 'access was refused');
      throw denial(name, action, cause);
    }
    // Where nobody needs to log in, it takes a login to learn who may do it.
    if (identity.kind !== 'anonymous') throw new OciError('DENIED', { detail: guarded(name, action) });
    throw this.#challenge(ctx, wanted(), { detail: `${guarded(name, action)}. Log in` });
  }

  /** Whether they may push after what is missing in their own namespace was made; a token was made after that. */
  async #mayNow({ state: { identity, address } }: RequestContext, { name, action }: Need): Promise<boolean> {
    const { personalProjects, rights } = this.#options;
    if (!personalProjects || action !== 'push' || identity.kind !== 'user') return false;
    await personalProjects.prepare(identity, [repositoryScope(name, [action])], address);
    return rights.may(identity, name, action);
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
    const { omitted } = bearer;
    const remedy = isNobody
      ? ': log in'
      : omitted === undefined
        ? ''
        : `: it has no room for the first ${omitted} scopes that were asked for; ask for fewer at once`;
    const detail = `the token was not issued for ${formatScope(needed)}${remedy}`;
    throw this.#challenge(ctx, wanted(), { error: 'insufficient_scope', detail });
  }

  /** @throws OciError UNAUTHORIZED where its owner may now do what the token was refused: another one will carry it */
  async #demandNewer(
    ctx: RequestContext,
    { name, action }: Need,
    wanted: () => readonly ScopeGrant[],
  ): Promise<void> {
    const bearer = this.#bearerOf(ctx);
    const needed = repositoryScope(name, [action]);
    if (!bearer?.principal || carries(bearer, needed)) return;
    const owner = await this.#options.principals.find(bearer.principal);
    if (!owner || (await this.#options.rights.judge(owner, name, action)) !== 'allowed') return;
    const detail = `the token was issued before ${formatScope(needed)} was allowed: fetch a new one`;
    throw this.#challenge(ctx, wanted(), { error: 'insufficient_scope', detail });
  }

  /** @throws OciError UNAUTHORIZED where whoever the token was made for is blocked or gone, or what they came with was revoked */
  async #demandOwner(ctx: RequestContext, wanted: () => readonly ScopeGrant[]): Promise<void> {
    const bearer = this.#bearerOf(ctx);
    const ref = bearer?.principal;
    if (!ref || ref.kind === 'external') return;
    const owner = await this.#options.principals.judge(ref);
    if (owner.kind !== 'refused') return;
    const { address, log } = ctx.state;
    logRefusedLogin(log, { ...owner, user: bearer.subject, cause: 'what its token was issued for', address });
    const detail = 'what the token was issued for was revoked or has expired, or the account is blocked';
    throw this.#challenge(ctx, wanted(), { error: 'invalid_token', detail });
  }

  /**
   * What the token carries may have gone with its project, or be another project's now.
   * @throws OciError NAME_UNKNOWN, UNAUTHORIZED
   */
  async #demandProject(
    ctx: RequestContext,
    { name, action }: Need,
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

  /** The bearer of a registry token; undefined too where it makes no difference who it is. */
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
}

/** The error for a change that nobody can make: it is thrown before anything else, as it does not matter who asks. */
function unchangeable(ctx: RequestContext, { isUpload = false }: Need): OciError {
  return new OciError('UNSUPPORTED', {
    detail: `${ctx.method} is not possible here: virtual registries are for pulling, and take no pushes and no deletions`,
    headers: { Allow: isUpload ? '' : 'GET, HEAD' },
  });
}

function findRegistryId(name: RepositoryName | BelowName): number | undefined {
  return isBelowName(name) ? undefined : parseVirtualName(name)?.registryId;
}
