/** What answers with manifests and blobs say of them. */
import type { Digest } from '../../oci/digest.ts';
import { isDigestReference, type Reference } from '../../oci/reference.ts';
import type { BytesAnswer } from '../../oci/repository.ts';
import { cacheStatus } from './cache-status.ts';

/** @param reference that the client asked for */
export function contentHeaders(
  { mediaType, digest, outcome, warnings = [] }: Omit<BytesAnswer, 'payload'>,
  reference: Reference,
) {
  const asked = digestFor(digest, reference);
  const isImmutable = isDigestReference(reference);
  return {
    'Content-Type': mediaType,
    'Docker-Content-Digest': asked,
    ETag: `"${asked}"`,
    'Cache-Control': isImmutable ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    'Cache-Status': cacheStatus[outcome],
    ...(warnings.length > 0 && { Warning: warnings.map(warningOf) }),
  };
}

const maxWarningLength = 1000;

/** https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#warnings */
function warningOf(sentence: string): string {
  const plain = sentence.replace(/[^\x20-\x7e]+/g, '?').slice(0, maxWarningLength);
  return `299 - "${plain.replace(/["\\]/g, '\\$&')}"`;
}

/** Bytes have a digest in each algorithm; clients check the one that they asked for. */
export function digestFor(digest: Digest, reference: Reference): Digest {
  return isDigestReference(reference) ? reference : digest;
}
