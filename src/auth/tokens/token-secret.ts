/** Tokens that are shown once, as texts: how they look, and what is stored of them. */
import { hash, randomBytes } from 'node:crypto';

const secretBytes = 24;
/** A text says which kind of token it is, so that it is looked for in one place, and a scanner can recognise one that leaked. */
const prefixes = { access: 'ent-', deploy: 'entd-', job: 'entj-' } as const;
const tokenPattern = /^[\x21-\x7e]{20,255}$/;

/** `access`: of users, and of the bots of groups and projects. */
export type TokenKind = keyof typeof prefixes;

/** The prefix of its kind and 192 random bits. */
export function createToken(kind: TokenKind): string {
  return prefixes[kind] + randomBytes(secretBytes).toString('base64url');
}

/** SHA-256 in hex. A plain hash is enough, since what is hashed is random and long. */
export function hashToken(token: string): string {
  return hash('sha256', token, 'hex');
}

/**
 * Which kind it could be of, undefined: none, as a short password must not be looked up among the tokens. Any text may be an access token:
 * operators choose that of their first.
 */
export function tokenKindOf(text: string): TokenKind | undefined {
  if (!tokenPattern.test(text)) return undefined;
  if (text.startsWith(prefixes.deploy)) return 'deploy';
  return text.startsWith(prefixes.job) ? 'job' : 'access';
}
