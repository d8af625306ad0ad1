/** Makes verified bytes durable, then visible: commit, then the record and its links. */
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

export interface PublishTools {
  readonly store: BlobStore;
  readonly blobs: Pick<Blobs, 'find' | 'replaceCopy'>;
  readonly entries: Pick<CacheEntries, 'linkBlob'>;
  readonly log: Log;
  readonly now: () => number;
}

export function createPublishBlob({ store, blobs, entries, log, now }: PublishTools): PublishBlob {
  /** @returns how many places were linked */
  async function link(blob: VerifiedBlob, key: string, places: readonly Place[]): Promise<number> {
    let linked = 0;
    for (const place of places) {
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
    const { storageKey, isNew } = await keepBlob(spool, blob, { store, records: blobs, now });
    const linked = await link(blob, storageKey, places);
    if (linked === 0 && isNew) await store.delete(storageKey);
  };
}
