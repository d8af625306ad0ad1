/** What a fill has in common with those of other processes: the blob, and where it is asked for first. */
import type { FillSharing } from '../../cluster/fill-sharing.ts';
import type { PeerSource } from '../../cluster/said.ts';
import type { CacheEntries } from '../../metadata/cached/cache-entries.ts';
import type { Blobs } from '../../metadata/content/blobs.ts';
import type { Digest } from '../../oci/digest.ts';
import type { BlobStore } from '../../storage/blob-store.ts';
import { entrySource, originOf, type Source } from '../source.ts';
import { PeerFill } from './peer-fill.ts';

/** Undefined while there is no other process. @param sources in the order they are asked; at least one */
export type ShareFill = (digest: Digest, sources: readonly Source[]) => PeerFill | undefined;

export interface ShareFillTools {
  readonly sharing: Pick<FillSharing, 'share'>;
  readonly entries: Pick<CacheEntries, 'listAt'>;
  readonly blobs: Pick<Blobs, 'find'>;
  readonly store: Pick<BlobStore, 'open'>;
}

export function createShareFill({ sharing, entries, blobs, store }: ShareFillTools): ShareFill {
  const openStored = async (digest: Digest, sources: readonly Source[]) => {
    const record = await blobs.find(digest);
    const links = record ? await entries.listAt(sources.map(entrySource), 'blob', digest) : [];
    return record && links.length > 0 ? store.open(record.storageKey) : undefined;
  };
  return (digest, sources) => {
    const [first] = sources;
    if (!first) return undefined;
    const fill = { key: `${originOf(first)} ${digest}`, sources: sources.map(peerSourceOf) };
    const open = () => openStored(digest, sources);
    const shared = sharing.share(fill, async () => {
      const reader = await open();
      await reader?.close();
      return reader !== undefined;
    });
    return shared && new PeerFill(shared, open);
  };
}

/** As other processes are told of it. */
export function peerSourceOf(source: Source): PeerSource {
  return { ...entrySource(source), origin: originOf(source) };
}
