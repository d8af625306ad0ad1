/** Content digests. https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests */
import { createHash, type Hash } from 'node:crypto';
import { OciError } from './errors.ts';

export type Algorithm = 'sha256' | 'sha512';

/** `algorithm:lower-case hex`, made only by {@link parseDigest} and {@link digestOf}. */
export type Digest = string & { readonly __brand: 'Digest' };

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

export function isDigest(text: string | undefined): text is Digest {
  return text !== undefined && pattern.test(text);
}

/** @throws OciError DIGEST_INVALID when the text is not a sha256 or sha512 digest. */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new OciError('DIGEST_INVALID', {
    detail: `'${text.slice(0, 160)}' is not a sha256:<64 hex> or sha512:<128 hex> digest`,
  });
}

export function algorithmOf(digest: Digest): Algorithm {
  return digest.startsWith('sha512:') ? 'sha512' : 'sha256';
}

export function hexOf(digest: Digest): string {
  return digest.slice(digest.indexOf(':') + 1);
}

export function hasherOf(algorithm: Algorithm | 'sha1'): Hash {
  return createHash(algorithm);
}

export function digestOf(bytes: Uint8Array, algorithm: Algorithm = 'sha256'): Digest {
  return finishDigest(algorithm, createHash(algorithm).update(bytes));
}

/** Ends the hash; it cannot be updated afterwards. */
export function finishDigest(algorithm: Algorithm, hash: Hash): Digest {
  return parseDigest(`${algorithm}:${hash.digest('hex')}`);
}
