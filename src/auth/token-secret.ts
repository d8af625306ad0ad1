/** Personal access tokens as texts: how they look, and what is stored of them. */
import { hash, randomBytes } from 'node:crypto';

const prefix = 'ent-';
const secretBytes = 24;

/** `ent-` and 192 random bits, so that a scanner can recognise one that leaked. */
export function createAccessToken(): string {
  return prefix + randomBytes(secretBytes).toString('base64url');
}

/** SHA-256 in hex. A plain hash is enough: what is hashed is random and long. */
export function hashAccessToken(token: string): string {
  return hash('sha256', token, 'hex');
}

const tokenPattern = /^[\x21-\x7e]{20,255}$/;

/** Could it be one? A short password must not be looked up among the tokens. */
export function mayBeAccessToken(text: string): boolean {
  return tokenPattern.test(text);
}
