/**
 * Registry tokens of another token service that the operator trusts with our hosted repositories. Only its configured keys
 * count: whatever else a token brings along (`jwk`, `jku`, `x5u`, `x5c`) is not looked at.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/jwt.md
 */
import {
  type CryptoKey,
  decodeJwt,
  decodeProtectedHeader,
  errors,
  type JWSHeaderParameters,
  jwtVerify,
  type KeyObject,
} from 'jose';
import { z } from 'zod';
import { actions } from '../rights/access.ts';
import type { CarriedGrant, RegistryTokenIdentity } from '../rights/identity.ts';
import { type TokenFault, tokenFault, tokenFaultOf } from './token-faults.ts';
import { VerifiedTokens } from './verified-tokens.ts';

const algorithms = ['RS256', 'ES256'];
/** Docker's registry allows as much to clocks that differ. */
const clockToleranceSeconds = 60;
const maxTokenLength = 16_384;
const maxNameLength = 255;

/** Keys that may have signed a token. @throws JOSEError where there can be none */
export type FindKeys = (header: JWSHeaderParameters) => Promise<readonly (CryptoKey | KeyObject)[]>;

export interface ExternalTokensOptions {
  /** What the service calls us: the `aud` of its tokens. */
  readonly service: string;
  /** The `iss` of its tokens. */
  readonly issuer: string;
  readonly keys: FindKeys;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const grantsSchema = z.array(
  z.object({
    type: z.string(),
    name: z.string(),
    actions: z.array(z.string()).nullish(),
    meta: z
      .object({ project_path: z.string().max(maxNameLength) })
      .optional()
      .catch(undefined),
  }),
);
const claimsSchema = z.object({
  sub: z.string().max(maxNameLength).default(''),
  exp: z.number(),
  access: grantsSchema.nullish(),
});

export class ExternalTokens {
  readonly #options: ExternalTokensOptions;
  readonly #verified: VerifiedTokens<RegistryTokenIdentity>;

  constructor(options: ExternalTokensOptions) {
    this.#options = options;
    this.#verified = new VerifiedTokens(options.now);
  }

  /** The bearer of a token that was verified before and still holds; without waiting. */
  findVerified(token: string): RegistryTokenIdentity | undefined {
    return this.#verified.find(token);
  }

  /** The bearer; undefined where the token is not the trusted service's, was changed, is for others, too early or has expired. */
  async verify(token: string): Promise<RegistryTokenIdentity | undefined> {
    if (token.length > maxTokenLength) return undefined;
    const known = this.findVerified(token);
    if (known) return known;
    const claims = claimsSchema.safeParse(await this.#verify(token));
    if (!claims.success) return undefined;
    const { sub: subject, exp, access } = claims.data;
    const bearer = {
      kind: 'registry-token',
      subject,
      principal: { kind: 'external', issuer: this.#options.issuer },
      access: (access ?? []).map(toGrant),
      refused: [],
    } as const;
    this.#verified.add(token, { bearer, expiresAt: exp * 1000 });
    return bearer;
  }

  /** Why a token was not verified; undefined where it says that another than the trusted service made it. */
  async explain(token: string): Promise<TokenFault | undefined> {
    if (token.length > maxTokenLength || claimedIssuer(token) !== this.#options.issuer) return undefined;
    const candidates = await this.#candidates(token);
    if (candidates.length === 0) return tokenFaultOf(token, new errors.JWKSNoMatchingKey());
    let fault = tokenFault('its claims are not those of a registry token');
    for (const key of candidates) {
      try {
        await jwtVerify(token, key, this.#demands());
      } catch (error) {
        fault = tokenFaultOf(token, error);
      }
    }
    return fault;
  }

  /** The claims of a token that is good. */
  async #verify(token: string): Promise<unknown> {
    for (const key of await this.#candidates(token)) {
      const verified = await unlessRefused(jwtVerify(token, key, this.#demands()));
      if (verified) return verified.payload;
    }
    return undefined;
  }

  #demands() {
    const { issuer, service: audience, now } = this.#options;
    return {
      algorithms,
      issuer,
      audience,
      clockTolerance: clockToleranceSeconds,
      requiredClaims: ['exp'],
      currentDate: new Date(now()),
    };
  }

  async #candidates(token: string): Promise<readonly (CryptoKey | KeyObject)[]> {
    const header = headerOf(token);
    return (header && (await unlessRefused(this.#options.keys(header)))) ?? [];
  }
}

function claimedIssuer(token: string): string | undefined {
  try {
    return decodeJwt(token).iss;
  } catch {
    return undefined;
  }
}

/** The token's header; undefined where it is no JWT, or of an algorithm that is not taken: then nobody is asked for keys. */
function headerOf(token: string): JWSHeaderParameters | undefined {
  try {
    const header = decodeProtectedHeader(token);
    return algorithms.some((algorithm) => algorithm === header.alg) ? header : undefined;
  } catch {
    return undefined;
  }
}

async function unlessRefused<T>(verification: Promise<T>): Promise<T | undefined> {
  try {
    return await verification;
  } catch (error) {
    // jose throws a TypeError for a key that is too weak, or not one for the algorithm.
    if (error instanceof errors.JOSEError || error instanceof TypeError) return undefined;
    throw error;
  }
}

/** For Docker's registry, `*` stands for every action. */
function toGrant({
  type,
  name,
  actions: granted,
  meta,
}: z.output<typeof grantsSchema>[number]): CarriedGrant {
  const all = type === 'repository' && granted?.includes('*');
  return {
    type,
    name,
    actions: all ? actions : (granted ?? []),
    ...(meta && { projectPath: meta.project_path }),
  };
}
