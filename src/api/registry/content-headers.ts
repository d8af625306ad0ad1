/** What answers with manifests and blobs say of them. */
import type { Digest } from '../../oci/digest.ts';
import { isDigestReference, type Reference } from '../../oci/reference.ts';
import type { BytesAnswer } from '../../oci/repository.ts';
import { cacheStatus } from './cache-status.ts';

/** @param reference that the client asked for */
export function contentHeaders(
  { mediaType, digest, outcome }: Pick<BytesAnswer, 'mediaType' | 'digest' | 'outcome'>,
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
  };
}

/** Bytes have a digest in each algorithm; clients check the one that they asked for. */
export function digestFor(digest: Digest, reference: Reference): Digest {
  return isDigestReference(reference) ? reference : digest;
}
