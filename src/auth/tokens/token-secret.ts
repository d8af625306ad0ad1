/** Tokens that are shown once, as texts: how they look, and what is stored of them. */
import { hash, randomBytes } from 'node:crypto';

const secretBytes = 24;
/** A token's beginning says of which kind it is, so that it is looked for in one table, and a scanner can recognise one that leaked. */
const prefixes = { access: 'ent-', deploy: 'entd-', job: 'entj-' } as const;
const tokenPattern = /^[\x21-\x7e]{20,255}$/;

/** access: a token of a user, or of the bot of a group or project. */
export type TokenKind = keyof typeof prefixes;

/** A new token: the prefix of its kind and 192 random bits. */
export function createToken(kind: TokenKind): string {
  return prefixes[kind] + randomBytes(secretBytes).toString('base64url');
}

/** The token's SHA-256 in hex. A plain hash is enough, since what is hashed is random and long. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/**
 * The kind of token that the text may be. Undefined: of none, as a short password must not be looked up among the tokens. Any text may
 * be an access token: operators choose that of their first.
 */
export function tokenKindOf(text: string): TokenKind | undefined {
  if (!tokenPattern.test(text)) return undefined;
  if (text.startsWith(prefixes.deploy)) return 'deploy';
  return text.startsWith(prefixes.job) ? 'job' : 'access';
}
