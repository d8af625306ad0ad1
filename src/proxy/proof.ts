/** Who may read bytes that are here: an upstream of the origin they came from is asked, as knowing a digest is not permission. */
import type { Digest } from '../oci/digest.ts';
import { originOf, type Place } from './place.ts';

/** The first of the places, at one of these origins, whose upstream says by HEAD that it has the blob. */
export async function findProof(
  places: readonly Place[],
  origins: ReadonlySet<string>,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<Place | undefined> {
  for (const place of places.filter((each) => origins.has(originOf(each)))) {
    const found = await place.upstream.headBlob(place.repository, digest, signal).then(
      () => true,
      () => false,
    );
    signal?.throwIfAborted();
    if (found) return place;
  }
  return undefined;
}
