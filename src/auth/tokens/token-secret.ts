/** Tokens that are shown once, as texts: how they look, and what is stored of them. */
import { hash, randomBytes } from 'node:crypto';

const secretBytes = 24;
/** A text says which kind of token it is, so that it is looked for in one place, and a scanner can recognise one that leaked. */
const prefixes = { access: 'ent-', deploy: 'entd-', job: 'entj-' } as const;

/** `ent-` and 192 random bits: for users, and for the bots of groups and projects. */
export function createAccessToken(): string {
  return create(prefixes.access);
}

/** `entd-` and 192 random bits. */
export function createDeployToken(): string {
  return create(prefixes.deploy);
}

/** `entj-` and 192 random bits. */
export function createJobToken(): string {
  return create(prefixes.job);
}

function create(prefix: string): string {
  return prefix + randomBytes(secretBytes).toString('base64url');
}

/** Of a token of any kind: SHA-256 in hex. A plain hash is enough, since what is hashed is random and long. */
export function hashAccessToken(token: string): string {
  return hash('sha256', token, 'hex');
}

const tokenPattern = /^[\x21-\x7e]{20,255}$/;

/** Could it be one? A short password must not be looked up among the tokens. Operators may choose the text of their first. */
export function mayBeAccessToken(text: string): boolean {
  return tokenPattern.test(text) && !mayBeDeployToken(text) && !mayBeJobToken(text);
}

export function mayBeDeployToken(text: string): boolean {
  return text.startsWith(prefixes.deploy) && tokenPattern.test(text);
}

export function mayBeJobToken(text: string): boolean {
  return text.startsWith(prefixes.job) && tokenPattern.test(text);
}
