/** Makes verified bytes durable, then visible: commit, then the record and its links. Where there is no room they are not kept. */
import type { Log } from '../log.ts';
import type { Blobs } from '../metadata/blobs.ts';
import type { CacheEntries } from '../metadata/cache-entries.ts';
import type { Digest } from '../oci/digest.ts';
import { octetStream } from '../oci/media-types.ts';
import type { BlobStore, Spool } from '../storage/blob-store.ts';
import { keepBlob } from '../storage/keep-blob.ts';
import { entryPlace, type Place } from './place.ts';

export interface VerifiedBlob {
  readonly digest: Digest;
  readonly size: number;
  /** In hex. */
  readonly sha1: string;
}

/** @param places linked in turn; one that is added meanwhile is linked too. @throws SpoolError when it cannot be written */
export type PublishBlob = (blob: VerifiedBlob, spool: Spool, places: readonly Place[]) => Promise<void>;

/** Where caches have limits. */
export interface Room {
  /**
   * Waits for room for a blob of this size, in bytes, in the caches of these groups.
   * @returns those in which it may not be linked; to be released when it is linked in the others
   */
  admit(
    groupIds: ReadonlySet<number>,
    size: number,
  ): Promise<{ readonly refused: ReadonlySet<number>; release(): Promise<void> }>;
  /** A blob that is here was linked in this group. */
  grew(groupId: number): Promise<void>;
}

export interface PublishTools {
  readonly store: BlobStore;
  readonly blobs: Pick<Blobs, 'find' | 'replaceCopy'>;
  readonly entries: Pick<CacheEntries, 'linkBlob'>;
  readonly room: Pick<Room, 'admit'>;
  readonly log: Log;
  readonly now: () => number;
}

export function createPublishBlob({ store, blobs, entries, room, log, now }: PublishTools): PublishBlob {
  /** @returns how many places were linked */
  async function link(
    blob: VerifiedBlob,
    key: string,
    places: readonly Place[],
    refused: ReadonlySet<number>,
  ): Promise<number> {
    let linked = 0;
    for (const place of places) {
      if (refused.has(place.groupId)) continue;
      const entry = {
        ...entryPlace(place),
        groupId: place.groupId,
        mediaType: octetStream,
        checkedAt: now(),
      };
      try {
        await entries.linkBlob(
          { ...entry, digest: blob.digest, size: blob.size },
          { ...blob, storageKey: key, createdAt: now() },
        );
        linked += 1;
      } catch (error) {
        log.error(
          { err: error, digest: blob.digest, upstream: place.upstream.settings.name },
          'blob not recorded',
        );
      }
    }
    return linked;
  }

  return async (blob, spool, places) => {
    const groupIds = new Set(places.map(({ groupId }) => groupId));
    const { refused, release } = await room.admit(groupIds, blob.size);
    try {
      if (refused.size === groupIds.size) {
        await spool.abort();
        return;
      }
      const { storageKey, isNew } = await keepBlob(spool, blob, { store, records: blobs, now });
      const linked = await link(blob, storageKey, places, refused);
      if (linked === 0 && isNew) await store.delete(storageKey);
    } finally {
      await release();
    }
  };
}
