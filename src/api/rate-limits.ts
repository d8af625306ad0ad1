/**
 * How often a client may ask virtual registries, on /v2 and /api/v4, and how often all else of /api/v4: by its address, and by whom it
 * says it is, wherever they come from. Pulls by somebody have a limit of their own, none unless it is set, and do not count for their
 * address: an image of many layers, or many machines behind one address, are no abuse. On /v2 headers are there only where they matter;
 * /api/v4 always has them.
 */
import { clientNetwork } from '../auth/credentials/client-network.ts';
import { type Identity, type PrincipalRef, principalRefOf } from '../auth/rights/identity.ts';
import { OciError } from '../oci/errors.ts';
import { isVirtualName, type RepositoryName } from '../oci/reference.ts';
import type { RequestContext } from './state.ts';

export interface RateLimitsOptions {
  readonly counter: { count(key: string): Rate };
  /** How many requests one address, and one identity, may make in a window; 0: no limit. */
  readonly requests: number;
  /** How many pulls one identity may make in a window; 0: no limit. */
  readonly pulls: number;
  readonly seconds: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Rate {
  readonly total: number;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** A request to /api/v4 was over the limit. Its answer already has the headers. */
export class TooManyRequests extends Error {
  override readonly name = 'TooManyRequests';
}

/**
 * It is called when a request arrives; what it returns, once it is known who asks, or that credentials were refused, which is undefined. Both
 * throw where that is over the limit.
 */
export type RateLimit = (ctx: RequestContext) => (identity: Identity | undefined) => void;

type Policy = 'address' | 'identity';

interface Asker {
  readonly policy: Policy;
  readonly key: string;
  /** 0: there is no limit. */
  readonly limit: number;
}

/** Requests that are counted together. */
interface Counted {
  /** Begins the keys of the counter. */
  readonly prefix: string;
  /** The share of the limit from which on the headers are there. */
  readonly shownFrom: number;
  readonly refuse: (sentence: string) => Error;
}

const registryPrefix = '/v2/virtual_registries/';
const restInfix = '/virtual_registries/';
/** Clients that look at headers have half of their requests left to slow down. */
const pulls: Counted = { prefix: '', shownFrom: 0.5, refuse: refuseRegistry };
const virtualRest: Counted = { prefix: '', shownFrom: 0, refuse: refuseRest };
const otherRest: Counted = { prefix: 'rest ', shownFrom: 0, refuse: refuseRest };

export class RateLimits {
  readonly #options: RateLimitsOptions;

  constructor(options: RateLimitsOptions) {
    this.#options = options;
  }

  /** @throws OciError TOOMANYREQUESTS */
  readonly registry: RateLimit = (ctx) => {
    const isOfImage = ctx.state.mirror ? ctx.path !== '/v2/' : ctx.path.startsWith(registryPrefix);
    if (!isOfImage) return () => undefined;
    return (identity) => {
      const key = identity && keyOf(identity);
      const asker = key === undefined ? this.#addressOf(ctx) : this.#identityOf(key, this.#options.pulls);
      this.#count(ctx, asker, pulls);
    };
  };

  /** Whether {@link registry} counts a pull from that repository at all. */
  readonly countsPull = (identity: Identity, name: RepositoryName): boolean => {
    const { requests, pulls: ofIdentity } = this.#options;
    return isVirtualName(name) && (keyOf(identity) === undefined ? requests : ofIdentity) !== 0;
  };

  /** @throws TooManyRequests */
  readonly rest: RateLimit = (ctx) => {
    const counted = ctx.path.includes(restInfix) ? virtualRest : otherRest;
    const ofAddress = this.#count(ctx, this.#addressOf(ctx), counted);
    return (identity) => {
      const key = identity && keyOf(identity);
      if (key !== undefined)
        this.#count(ctx, this.#identityOf(key, this.#options.requests), counted, ofAddress);
    };
  };

  #addressOf({ state }: RequestContext): Asker {
    return { policy: 'address', key: clientNetwork(state.address), limit: this.#options.requests };
  }

  #identityOf(key: string, limit: number): Asker {
    return { policy: 'identity', key, limit };
  }

  /** @param told the rate of which the answer's headers speak already, if it is nearer to its limit */
  #count(
    ctx: RequestContext,
    { policy, key, limit }: Asker,
    { prefix, shownFrom, refuse }: Counted,
    told?: Rate,
  ): Rate | undefined {
    if (limit === 0) return undefined;
    const { counter, seconds } = this.#options;
    const rate = counter.count(`${prefix}${policy} ${key}`);
    if (rate.total <= limit * shownFrom || (told && told.total > rate.total)) return rate;
    const waitSeconds = this.#show(ctx, policy, limit, rate);
    if (rate.total <= limit) return rate;
    ctx.set('Retry-After', String(waitSeconds));
    const whose = policy === 'address' ? 'from your address' : 'with your credentials';
    throw refuse(
      `too many requests ${whose}: virtual registries take ${limit} in ${seconds} seconds; try again in ${waitSeconds} seconds`,
    );
  }

  /**
   * https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-ratelimit-headers-09 and, for GitLab's clients,
   * https://docs.gitlab.com/administration/settings/user_and_ip_rate_limits/#response-headers
   * @returns seconds until the window is over
   */
  #show(ctx: RequestContext, policy: Policy, limit: number, { total, endsAt }: Rate): number {
    const { seconds, now } = this.#options;
    const remaining = Math.max(0, limit - total);
    const waitSeconds = Math.max(1, Math.ceil((endsAt - now()) / 1000));
    ctx.set({
      RateLimit: `"${policy}";r=${remaining};t=${waitSeconds}`,
      'RateLimit-Policy': `"${policy}";q=${limit};w=${seconds}`,
      'RateLimit-Limit': String(limit),
      'RateLimit-Observed': String(total),
      'RateLimit-Remaining': String(remaining),
      'RateLimit-Reset': String(Math.ceil(endsAt / 1000)),
    });
    return waitSeconds;
  }
}

function refuseRegistry(detail: string): OciError {
  return new OciError('TOOMANYREQUESTS', { detail });
}

function refuseRest(sentence: string): TooManyRequests {
  return new TooManyRequests(sentence);
}

/** The identity's key, which is the same for a user's password, access tokens and registry tokens. Undefined: nobody in particular. */
function keyOf(identity: Identity): string | undefined {
  switch (identity.kind) {
    case 'anonymous':
      return undefined;
    case 'registry-token':
      return identity.principal && refKeyOf(identity.principal, identity.subject);
    default:
      return refKeyOf(principalRefOf(identity), '');
  }
}

function refKeyOf(ref: PrincipalRef, subject: string): string {
  switch (ref.kind) {
    case 'user':
      return `user ${ref.userId}`;
    case 'deploy-token':
      return `deploy-token ${ref.tokenId}`;
    case 'job':
      return `job ${ref.jobTokenId}`;
    case 'trust':
      return `trust ${ref.trustId} ${ref.name}`;
    case 'external':
      return `external ${ref.issuer} ${subject}`;
  }
}
