/**
 * ID tokens of CI systems and clusters, believed where a trust says so: issuer, audience and claims decide which project a
 * job belongs to. Each trust is judged with the keys of its own source, so that whoever names a source only decides for
 * their own trusts.
 * https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
 */
import { decodeJwt, errors, type JWTPayload, jwtVerify } from 'jose';
import { LRUCache } from 'lru-cache';
import { Turn } from '../../concurrency/turn.ts';
import type { OidcTrust, OidcTrusts } from '../../metadata/tokens/oidc-trusts.ts';
import type { Log } from '../../observe/log.ts';
import { showText } from '../credentials/login-log.ts';
import { type Refusal, refuse } from '../credentials/refusal.ts';
import { isAccessLevel } from '../rights/access-levels.ts';
import { Beliefs, type BeliefsOptions } from '../rights/beliefs.ts';
import type { JobIdentity } from '../rights/identity.ts';
import { ClaimGlobs } from './claim-globs.ts';
import type { FetchJson } from './oidc-discovery.ts';
import { type KeySource, RemoteKeys } from './remote-keys.ts';

const algorithms = ['RS256', 'ES256', 'PS256', 'EdDSA'];
/** Clocks of issuers may be ahead by this much. */
const clockToleranceSeconds = 5;
const maxTokenLength = 16_384;
const maxNameLength = 255;
const maxSources = 1000;

export interface IdTokensOptions extends BeliefsOptions {
  readonly oidcTrusts: Pick<OidcTrusts, 'listByIssuer'>;
  /** Reads from addresses that Maintainers name, so that it must guard where it connects to. */
  readonly fetchJson: FetchJson;
  readonly log: Log;
}

/** What became of a signature. */
type Verdict =
  | { readonly payload: JWTPayload & { readonly sub: string; readonly exp: number } }
  | { readonly fault: string; readonly isExpired: boolean };

export class IdTokens {
  readonly #options: IdTokensOptions;
  readonly #trusts: Beliefs<readonly OidcTrust[]>;
  readonly #keys = new LRUCache<string, RemoteKeys>({ max: maxSources });
  readonly #globs = new ClaimGlobs();

  constructor(options: IdTokensOptions) {
    this.#options = options;
    this.#trusts = new Beliefs(options);
  }

  /** The job that the token stands for, by the oldest trust that it satisfies; undefined where it is no token of an issuer known here. */
  async verify(token: string): Promise<JobIdentity | Refusal | undefined> {
    const claimed = claimsOf(token);
    const issuer = claimed?.iss;
    if (!claimed || typeof issuer !== 'string' || issuer.length > maxNameLength) return undefined;
    const trusts = (await this.#trusts.find(issuer, () => this.#listTrusts(issuer)))?.value;
    if (!trusts) return undefined;
    const refused = (reason: string, kind: 'unknown' | 'expired' = 'unknown'): Refusal => {
      return refuse(kind, `ID token of ${showText(issuer)} for ${showText(String(claimed.sub))}: ${reason}`);
    };
    // Trusts are chosen before any signature is checked, so that nobody's keys are fetched for a token that would not do anyway.
    const candidates: OidcTrust[] = [];
    const turn = new Turn();
    for (const trust of trusts) {
      if (this.#fits(claimed, trust)) candidates.push(trust);
      if (turn.isOver) await turn.next();
    }
    if (candidates.length === 0) return refused('no trust has its audience and claims');
    const verdicts = await this.#judge(token, candidates);
    let fault = { fault: 'no trust has its audience and claims', isExpired: false };
    for (const trust of candidates) {
      const verdict = verdicts.get(keyOf(trust));
      if (!verdict) continue;
      if ('fault' in verdict) fault = verdict;
      else if (this.#fits(verdict.payload, trust)) {
        const { sub: name, exp } = verdict.payload;
        const { id: trustId, projectId: id, projectPath: fullPath, accessLevel } = trust;
        const project = { id, fullPath };
        if (isAccessLevel(accessLevel))
          return jobOf({ trustId, project, accessLevel, name, expiresAt: exp * 1000 });
      }
    }
    return refused(fault.fault, fault.isExpired ? 'expired' : 'unknown');
  }

  #fits(claims: JWTPayload, { audience, claims: patterns }: OidcTrust): boolean {
    return [claims.aud].flat().includes(audience) && this.#globs.satisfies(claims, patterns);
  }

  async #listTrusts(issuer: string): Promise<readonly OidcTrust[] | undefined> {
    const trusts = await this.#options.oidcTrusts.listByIssuer(issuer);
    return trusts.length > 0 ? trusts : undefined;
  }

  /** The verdicts by source of keys: each is asked once, all at the same time. */
  async #judge(token: string, trusts: readonly OidcTrust[]): Promise<ReadonlyMap<string, Verdict>> {
    const sources = new Map(trusts.map((trust) => [keyOf(trust), trust]));
    return new Map(
      await Promise.all(
        Array.from(sources, async ([key, source]) => [key, await this.#verify(token, key, source)] as const),
      ),
    );
  }

  async #verify(token: string, key: string, { issuer, jwksUrl }: KeySource): Promise<Verdict> {
    const { fetchJson, log, now } = this.#options;
    const keys = this.#keys.get(key) ?? new RemoteKeys({ issuer, jwksUrl, fetchJson, log, now });
    this.#keys.set(key, keys);
    try {
      const { payload } = await jwtVerify(token, keys.get, {
        algorithms,
        issuer,
        clockTolerance: clockToleranceSeconds,
        requiredClaims: ['sub', 'aud', 'exp'],
        currentDate: new Date(now()),
      });
      const { sub, exp } = payload;
      if (sub === undefined || sub.length > maxNameLength || exp === undefined) {
        return { fault: 'its subject is too long', isExpired: false };
      }
      // The tolerance is for what begins: a job must not outlive its token.
      if (exp * 1000 <= now()) return { fault: 'it has expired', isExpired: true };
      return { payload: { ...payload, sub, exp } };
    } catch (error) {
      // An error of any kind may come: a published key may be too short, say, and that is no fault of ours.
      const fault = error instanceof Error ? error.message : String(error);
      return { fault, isExpired: error instanceof errors.JWTExpired };
    }
  }
}

function jobOf(
  job: Pick<JobIdentity, 'trustId' | 'project' | 'accessLevel' | 'name' | 'expiresAt'>,
): JobIdentity {
  return { kind: 'job', jobTokenId: undefined, userId: undefined, isAdmin: false, ...job };
}

/** The claims that the token makes, not yet believed. */
function claimsOf(token: string): JWTPayload | undefined {
  if (token.length > maxTokenLength) return undefined;
  try {
    return decodeJwt(token);
  } catch (error) {
    if (error instanceof errors.JOSEError) return undefined;
    throw error;
  }
}

function keyOf({ issuer, jwksUrl }: KeySource): string {
  return JSON.stringify([issuer, jwksUrl]);
}
