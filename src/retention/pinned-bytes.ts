/** How much of a group's cache is pinned: looked up when somebody asks, with work that follows what is pinned. */
import type { Database } from '../metadata/db/database.ts';
import type { Digest } from '../oci/digest.ts';
import { PinnedImages } from './pinned-images.ts';

export type PinnedRecords = Pick<Database, 'cachePins' | 'cacheContents' | 'cacheSizes' | 'manifests'>;

/** Of blobs, each counted once. */
export async function findPinnedBytes(records: PinnedRecords, groupId: number): Promise<number> {
  const pins = await records.cachePins.listByUpstream(groupId);
  const pinned = new PinnedImages(pins);
  let front = new Set<Digest>();
  for (const upstreamId of new Set(pins.map((pin) => pin.upstreamId)))
    for (const entry of await records.cacheContents.listManifests(upstreamId))
      if (pinned.has({ ...entry, upstreamId, kind: 'manifest' })) front.add(entry.digest);
  const reached = new Set<Digest>();
  // No manifest reaches itself.
  while (front.size > 0) {
    for (const digest of front) reached.add(digest);
    front = new Set(await records.manifests.listReferenced([...front]));
  }
  return records.cacheSizes.sumOf(groupId, reached);
}
