/**
 * The tokens of /jwt/auth: short-lived JWTs, ES256 and nothing else, verified with our own keys and nothing that a token
 * brings along. A verified token is remembered until it expires, so that a pull pays for its signature once.
 * https://github.com/distribution/distribution/blob/v3.0.0/docs/content/spec/auth/jwt.md
 */
import { randomUUID } from 'node:crypto';
import { errors, jwtVerify } from 'jose';
import { z } from 'zod';
import {
  type AnonymousIdentity,
  nameOf,
  type Principal,
  principalRefOf,
  type RegistryTokenIdentity,
  type ScopeGrant,
} from '../rights/identity.ts';
import { signToken, type TokenSigner } from './sign-token.ts';
import { type SigningKeys, signingAlgorithm } from './signing-keys.ts';
import { type TokenFault, tokenFault, tokenFaultOf } from './token-faults.ts';
import { grantClaims, type TokenGrants, writeGrants } from './token-grants.ts';
import { VerifiedTokens } from './verified-tokens.ts';

/** What clients may call us: our name, and that of GitLab's virtual registries. Only tokens for one of them are good here. */
export const ownServices: readonly string[] = ['container_registry', 'dependency_proxy'];

/** What we call ourselves in tokens for ourselves. */
const issuer = 'entrepot';
/** Clocks of clients and of our other processes may be behind by this much. */
const notBeforeSeconds = 5;
const maxTokenLength = 16_384;

const id = z.number().int();
const principalSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('user'),
    userId: id,
    tokenId: id.exactOptional(),
    passwordMark: z.string().exactOptional(),
  }),
  z.object({ kind: z.literal('deploy-token'), tokenId: id }),
  z.object({ kind: z.literal('job'), jobTokenId: id }),
  z.object({
    kind: z.literal('trust'),
    trustId: id,
    name: z.string(),
    projectId: id,
    accessLevel: id,
    expiresAt: z.number(),
  }),
]);
const claimsSchema = z.object({
  sub: z.string(),
  exp: z.number(),
  /** Our own claim: whom the token was made for. Without it, it was made for nobody in particular. */
  principal: principalSchema.optional(),
  ...grantClaims,
});

export interface RegistryTokenRequest extends TokenGrants {
  /** The name of a registry that {@link RegistryTokens.serves}. */
  readonly service: string;
  /** Whom the token is for. */
  readonly holder: Principal | AnonymousIdentity;
}

export interface IssuedRegistryToken {
  readonly token: string;
  /** What the token carries: the last of what was granted, where not all fits into a header. */
  readonly access: readonly ScopeGrant[];
  readonly expiresInSeconds: number;
  /** Epoch milliseconds of a whole second. */
  readonly issuedAt: number;
}

export interface RegistryTokensOptions {
  readonly keys: SigningKeys;
  /** How long tokens that are issued now last. */
  readonly lifetimeMs: () => Promise<number>;
  /** The names of registries that trust us: tokens for them are good there and not here. */
  readonly otherServices?: readonly string[];
  /** What we call ourselves there. */
  readonly otherIssuer?: string;
  /** What is signed with for them; undefined: our own keys. */
  readonly otherSigner?: TokenSigner | undefined;
  readonly now: () => number;
}

export class RegistryTokens {
  readonly #keys: SigningKeys;
  readonly #lifetimeMs: () => Promise<number>;
  readonly #services: readonly string[];
  readonly #otherIssuer: string;
  readonly #otherSigner: TokenSigner | undefined;
  readonly #now: () => number;
  readonly #verified: VerifiedTokens<RegistryTokenIdentity>;

  constructor({
    keys,
    lifetimeMs,
    otherServices = [],
    otherIssuer = issuer,
    otherSigner,
    now,
  }: RegistryTokensOptions) {
    this.#keys = keys;
    this.#lifetimeMs = lifetimeMs;
    this.#services = [...ownServices, ...otherServices];
    this.#otherIssuer = otherIssuer;
    this.#otherSigner = otherSigner;
    this.#now = now;
    this.#verified = new VerifiedTokens(now);
  }

  /** Whether tokens are issued for a registry of this name. */
  serves(service: string): boolean {
    return this.#services.includes(service);
  }

  async issue(request: RegistryTokenRequest): Promise<IssuedRegistryToken> {
    const { service, holder } = request;
    const isOurs = ownServices.includes(service);
    const signer = (isOurs ? undefined : this.#otherSigner) ?? (await this.#ownSigner());
    const expiresInSeconds = (await this.#lifetimeMs()) / 1000;
    const issuedAt = Math.floor(this.#now() / 1000);
    const { claims, access } = await writeGrants(request, isOurs);
    const said = {
      ...claims,
      ...holderClaims(holder),
      iss: isOurs ? issuer : this.#otherIssuer,
      aud: service,
      sub: nameOf(holder) ?? '',
      jti: randomUUID(),
      iat: issuedAt,
      nbf: issuedAt - notBeforeSeconds,
      exp: issuedAt + expiresInSeconds,
    };
    const token = signToken(said, signer);
    return { token, access, expiresInSeconds, issuedAt: issuedAt * 1000 };
  }

  /** The bearer of a token that was verified before and still holds; without waiting, for requests in a hurry. */
  findVerified(token: string): RegistryTokenIdentity | undefined {
    return this.#verified.find(token);
  }

  /** The bearer; undefined where the token is not ours, was changed, is too early or has expired. */
  async verify(token: string): Promise<RegistryTokenIdentity | undefined> {
    if (token.length > maxTokenLength) return undefined;
    const known = this.findVerified(token);
    if (known) return known;
    const claims = await this.#verify(token);
    if (!claims) return undefined;
    const { sub: subject, exp, principal, omitted, grants } = claims;
    const [access, refused] = grants ?? [claims.access, claims.refused];
    const bearer = {
      kind: 'registry-token',
      subject,
      principal,
      access,
      refused,
      ...(omitted !== undefined && { omitted }),
    } as const;
    this.#verified.add(token, { bearer, expiresAt: exp * 1000 });
    return bearer;
  }

  /** Why a token was not verified; without a reason where it is good. */
  async explain(token: string): Promise<TokenFault> {
    if (token.length > maxTokenLength) return tokenFault(`it is longer than ${maxTokenLength} characters`);
    try {
      await this.#check(token);
      return tokenFault('its claims are not those of a registry token');
    } catch (error) {
      return tokenFaultOf(token, error);
    }
  }

  async #verify(token: string): Promise<z.output<typeof claimsSchema> | undefined> {
    try {
      const { payload } = await this.#check(token);
      return claimsSchema.safeParse(payload).data;
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined;
      throw error;
    }
  }

  /** @throws JOSEError */
  #check(token: string) {
    return jwtVerify(token, async ({ kid }) => this.#publicKey(kid), {
      algorithms: [signingAlgorithm],
      issuer,
      audience: [...ownServices],
      requiredClaims: ['sub', 'iat', 'nbf', 'exp', 'jti'],
      currentDate: new Date(this.#now()),
    });
  }

  async #ownSigner(): Promise<TokenSigner> {
    const { kid, privateKey } = await this.#keys.current();
    return { header: { alg: signingAlgorithm, kid }, privateKey };
  }

  async #publicKey(kid: string | undefined) {
    const key = kid === undefined ? undefined : await this.#keys.find(kid);
    if (!key) throw new errors.JWKSNoMatchingKey();
    return key.publicKey;
  }
}

/** The claims that say who holds it: GitLab's `auth_type` and `user_id` beside our own. */
function holderClaims(holder: Principal | AnonymousIdentity) {
  if (holder.kind === 'anonymous') return { auth_type: 'none' };
  const principal = principalRefOf(holder);
  switch (holder.kind) {
    case 'user': {
      const { userId, tokenId } = holder;
      const auth_type = tokenId === undefined ? 'gitlab_or_ldap' : 'personal_access_token';
      return { auth_type, principal, user_id: userId };
    }
    case 'deploy-token':
      return { auth_type: 'deploy_token', principal };
    case 'job':
      return { auth_type: 'build', principal };
  }
}
