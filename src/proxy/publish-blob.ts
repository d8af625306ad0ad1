/** Makes verified bytes durable, then visible: commit, then the record and its links. Where there is no room they are not kept. */

import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { BlobRecord, Blobs } from '../metadata/content/blobs.ts';
import { MissingContent } from '../metadata/db/violations.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { octetStream } from '../oci/media-types.ts';
import type { BlobStore, Spool } from '../storage/blob-store.ts';
import { keepBlob } from '../storage/keep-blob.ts';
import { entrySource, type Source } from './source.ts';

export interface VerifiedBlob {
  readonly digest: Digest;
  readonly size: number;
}

/** @param sources linked in turn; one that is added meanwhile is linked too; none: nothing is kept. @throws SpoolError when it cannot be written */
export type PublishBlob = (blob: VerifiedBlob, spool: Spool, sources: readonly Source[]) => Promise<void>;

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

/** A copy that is collected just before it would be linked is written anew, which nobody collects at once. */
const maxTries = 5;

export function createPublishBlob({ store, blobs, entries, room, log, now }: PublishTools): PublishBlob {
  /**
   * @param record to be made where there is none
   * @returns whether any source was linked
   * @throws MissingContent where there is no record, and none was linked
   */
  async function link(
    blob: VerifiedBlob,
    record: BlobRecord | undefined,
    sources: readonly Source[],
    refused: ReadonlySet<number>,
  ): Promise<boolean> {
    let isLinked = false;
    for (const source of sources) {
      if (refused.has(source.groupId)) continue;
      const entry = {
        ...entrySource(source),
        groupId: source.groupId,
        mediaType: octetStream,
        checkedAt: now(),
      };
      try {
        // Once it is linked there is a record, unless all links were removed again.
        await entries.linkBlob({ ...entry, ...blob }, isLinked ? undefined : record);
        isLinked = true;
      } catch (error) {
        if (error instanceof MissingContent && !isLinked) throw error;
        const upstream = source.upstream.settings.name;
        log.error({ err: error, digest: blob.digest, upstream }, 'blob not recorded');
      }
    }
    return isLinked;
  }

  /** False where the copy that was to be linked was collected meanwhile. */
  async function publishOnce(
    blob: VerifiedBlob,
    spool: Spool,
    sources: readonly Source[],
    refused: ReadonlySet<number>,
  ): Promise<boolean> {
    const { storageKey, isNew, isCommitted } = await keepBlob(spool, blob, { store, records: blobs, now });
    try {
      const record = isNew ? { ...blob, storageKey, createdAt: now() } : undefined;
      const isLinked = await link(blob, record, sources, refused);
      if (!isLinked && isNew) await store.delete(storageKey);
      if (!isCommitted) await spool.abort();
      return true;
    } catch (error) {
      if (error instanceof MissingContent && !isCommitted) return false;
      throw error;
    }
  }

  return async (blob, spool, sources) => {
    // Another process keeps it, whose cache has the room.
    if (sources.length === 0) return spool.abort();
    const groupIds = new Set(sources.map(({ groupId }) => groupId));
    const { refused, release } = await room.admit(groupIds, blob.size);
    try {
      if (refused.size === groupIds.size) {
        await spool.abort();
        return;
      }
      for (let tries = 1; tries <= maxTries; tries += 1)
        if (await publishOnce(blob, spool, sources, refused)) return;
      await spool.abort();
      log.error({ digest: blob.digest }, 'a blob was collected each time it was to be linked');
    } finally {
      await release();
    }
  };
}
