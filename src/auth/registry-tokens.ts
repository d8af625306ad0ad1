/**
 * The tokens of /jwt/auth: short-lived JWTs, ES256 and nothing else, verified with our own keys and nothing that a token
 * brings along. A verified token is remembered until it expires, so that a pull pays for its signature once.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/jwt.md
 */
import { hash, randomUUID } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import type { RegistryTokenIdentity, ScopeGrant } from './identity.ts';
import { maxScopes } from './scope.ts';
import { type SigningKeys, signingAlgorithm } from './signing-keys.ts';

/** What clients may name as `service`: ours, and what GitLab's virtual registries call themselves. */
export const tokenServices = ['container_registry', 'dependency_proxy'] as const;
export type TokenService = (typeof tokenServices)[number];

export function isTokenService(text: string): text is TokenService {
  return tokenServices.some((service) => service === text);
}

const issuer = 'entrepot';
/** Clocks of clients and of our other processes may be behind by this much. */
const notBeforeSeconds = 5;
const maxTokenLength = 16_384;
const maxRemembered = 10_000;

const grantsSchema = z.array(z.object({ type: z.string(), name: z.string(), actions: z.array(z.string()) }));
const claimsSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  user_id: z.number().int().optional(),
  access: grantsSchema,
  refused: grantsSchema.default([]),
});

export interface RegistryTokenRequest {
  readonly service: TokenService;
  /** The user's name. */
  readonly subject: string;
  readonly userId: number;
  /** What was granted of what was asked for. */
  readonly access: readonly ScopeGrant[];
  /** What was not. */
  readonly refused: readonly ScopeGrant[];
}

export interface IssuedRegistryToken {
  readonly token: string;
  readonly expiresInSeconds: number;
  /** epoch ms, whole seconds */
  readonly issuedAt: number;
}

export interface RegistryTokensOptions {
  readonly keys: SigningKeys;
  readonly lifetimeSeconds: number;
  readonly now: () => number;
}

interface Verified {
  readonly identity: RegistryTokenIdentity;
  readonly expiresAt: number;
}

export class RegistryTokens {
  readonly #keys: SigningKeys;
  readonly #lifetimeSeconds: number;
  readonly #now: () => number;
  readonly #verified = new LRUCache<string, Verified>({ max: maxRemembered });

  constructor({ keys, lifetimeSeconds, now }: RegistryTokensOptions) {
    this.#keys = keys;
    this.#lifetimeSeconds = lifetimeSeconds;
    this.#now = now;
  }

  /**
   * A token must fit into a header, so it lists at most {@link maxScopes} resources, granted ones first. A refusal that is
   * left out only has its bearer challenged once more.
   */
  async issue(request: RegistryTokenRequest): Promise<IssuedRegistryToken> {
    const { service, subject, userId, access } = request;
    const { kid, privateKey } = await this.#keys.current();
    const issuedAt = Math.floor(this.#now() / 1000);
    const refused = request.refused.slice(0, Math.max(0, maxScopes - access.length));
    const token = await new SignJWT({ access, ...(refused.length > 0 && { refused }), user_id: userId })
      .setProtectedHeader({ typ: 'JWT', alg: signingAlgorithm, kid })
      .setIssuer(issuer)
      .setAudience(service)
      .setSubject(subject)
      .setJti(randomUUID())
      .setIssuedAt(issuedAt)
      .setNotBefore(issuedAt - notBeforeSeconds)
      .setExpirationTime(issuedAt + this.#lifetimeSeconds)
      .sign(privateKey);
    return { token, expiresInSeconds: this.#lifetimeSeconds, issuedAt: issuedAt * 1000 };
  }

  /** The bearer of a token that was verified before and still holds; without waiting, for requests in a hurry. */
  findVerified(token: string): RegistryTokenIdentity | undefined {
    const verified = this.#verified.get(keyOf(token));
    return verified && verified.expiresAt > this.#now() ? verified.identity : undefined;
  }

  /** The bearer; undefined where the token is not ours, was changed, is too early or has expired. */
  async verify(token: string): Promise<RegistryTokenIdentity | undefined> {
    if (token.length > maxTokenLength) return undefined;
    const known = this.findVerified(token);
    if (known) return known;
    const verified = await this.#verify(token);
    if (verified) this.#verified.set(keyOf(token), verified);
    return verified?.identity;
  }

  async #verify(token: string): Promise<Verified | undefined> {
    try {
      const { payload } = await jwtVerify(token, async ({ kid }) => this.#publicKey(kid), {
        algorithms: [signingAlgorithm],
        issuer,
        audience: [...tokenServices],
        requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti'],
        currentDate: new Date(this.#now()),
      });
      const claims = claimsSchema.safeParse(payload);
      if (!claims.success) return undefined;
      const { sub: subject, exp, user_id: userId, access, refused } = claims.data;
      const identity = {
        kind: 'registry-token',
        subject,
        access,
        refused,
        ...(userId && { userId }),
      } as const;
      return { identity, expiresAt: exp * 1000 };
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  async #publicKey(kid: string | undefined) {
    const key = kid === undefined ? undefined : await this.#keys.find(kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key.publicKey;
  }
}

/** Not the token itself, so that neither a memory dump nor the time of a comparison tells it. */
function keyOf(token: string): string {
  return hash('sha256', token, 'base64');
}
