/** Who is asking. Made by {@link Authenticator} and RegistryTokens, read by everyone who asks "may they?". */

/** What a token may be used for; GitLab's names. */
export const tokenScopes = [
  'api',
  'read_api',
  'read_user',
  'read_repository',
  'write_repository',
  'read_registry',
  'write_registry',
  'read_virtual_registry',
  'write_virtual_registry',
] as const;

export type TokenScope = (typeof tokenScopes)[number];

export function isTokenScope(text: string): text is TokenScope {
  return tokenScopes.some((scope) => scope === text);
}

export interface UserIdentity {
  readonly kind: 'user';
  readonly userId: number;
  readonly username: string;
  readonly isAdmin: boolean;
  /** `all`: they gave their password. */
  readonly scopes: readonly TokenScope[] | 'all';
  /** Of the personal access token they came with. */
  readonly tokenId?: number;
}

/** One resource and what may be done with it, as in a registry token's `access` claim. */
export interface ScopeGrant {
  readonly type: string;
  readonly name: string;
  readonly actions: readonly string[];
}

/** The bearer of a verified token of /jwt/auth. */
export interface RegistryTokenIdentity {
  readonly kind: 'registry-token';
  readonly subject: string;
  readonly userId?: number;
  readonly access: readonly ScopeGrant[];
  /** What was asked for and not granted: asking for it again would not help. */
  readonly refused: readonly ScopeGrant[];
}

export interface AnonymousIdentity {
  readonly kind: 'anonymous';
}

export type Identity = UserIdentity | RegistryTokenIdentity | AnonymousIdentity;

export const anonymous: AnonymousIdentity = Object.freeze({ kind: 'anonymous' });
