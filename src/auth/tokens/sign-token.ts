import { type KeyObject, sign } from 'node:crypto';
import type { Algorithm } from './certificate-keys.ts';

export interface TokenSigner {
  /** What the token says of its key: its id, or its certificates. */
  readonly header: { readonly alg: Algorithm } & (
    | { readonly kid: string }
    | { readonly x5c: readonly string[] }
  );
  /** RSA or EC P-256, as the algorithm needs it. */
  readonly privateKey: KeyObject;
}

/**
 * A signed JWT in its compact form, https://www.rfc-editor.org/rfc/rfc7515#section-7.1. It is signed here and now: by an EC key that takes
 * some 20 µs, and to hand it to another thread and wait takes as much again.
 */
export function signToken(claims: object, { header, privateKey }: TokenSigner): string {
  const signed = `${encoded({ typ: 'JWT', ...header })}.${encoded(claims)}`;
  // As RFC 7518 has signatures of ES256: both numbers side by side, and not as DER.
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

function encoded(part: object): string {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}
