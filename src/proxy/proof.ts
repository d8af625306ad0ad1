/** Who may read bytes that are here: an upstream of the origin they came from is asked, as knowing a digest is not permission. */
import type { Digest } from '../oci/digest.ts';
import { originOf, type Source } from './source.ts';

/** The first of the sources, at one of these origins, whose upstream says by HEAD that it has the blob. */
export async function findProof(
  sources: readonly Source[],
  origins: ReadonlySet<string>,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Source | undefined> {
  for (const source of sources.filter((each) => origins.has(originOf(each)))) {
    const found = await source.upstream.headBlob(source.repository, digest, signal).then(
      () => source,
      () => undefined,
    );
    signal?.throwIfAborted();
    if (found) return found;
  }
  return undefined;
}
