/** How much of a group's cache is pinned: looked up when somebody asks, with work that follows what is pinned. */
import type { Database } from '../metadata/db/database.ts';
import type { Digest } from '../oci/digest.ts';
import { PinnedImages } from './pinned-images.ts';

export type PinnedRecords = Pick<Database, 'cachePins' | 'cacheContents' | 'cacheSizes' | 'manifests'>;

/** Of blobs, each counted once. */
export async function findPinnedBytes(records: PinnedRecords, groupId: number): Promise<number> {
  const pins = await records.cachePins.listByUpstream(groupId);
  const pinned = new PinnedImages(pins);
  const reached = new Set<Digest>();
  for (const upstreamId of new Set(pins.map((pin) => pin.upstreamId)))
    for (const entry of await records.cacheContents.listManifests(upstreamId))
      if (pinned.has({ ...entry, upstreamId, kind: 'manifest' })) reached.add(entry.digest);
  let front = [...reached];
  while (front.length > 0) {
    const referenced = await records.manifests.listReferenced(front);
    front = referenced.filter((digest) => !reached.has(digest));
    for (const digest of front) reached.add(digest);
  }
  return records.cacheSizes.sumOf(groupId, reached);
}
