/** Blobs of one repository: from the store where linked, else by proof or by fill. */

import type { HotBlob, HotContent } from '../cache/hot-content.ts';
import type { Usage } from '../cache/usage.ts';
import { untilAborted } from '../concurrency/until-aborted.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { CacheEntry } from '../metadata/cached/cache-entry.ts';
import type { Blobs } from '../metadata/content/blobs.ts';
import { MissingOwner } from '../metadata/db/violations.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import { octetStream } from '../oci/media-types.ts';
import type { BlobAnswer, BlobStat, BytesAnswer, Outcome } from '../oci/repository.ts';
import type { BlobReads, ClientBlob } from '../storage/blob-reads.ts';
import type { StorageKey } from '../storage/blob-store.ts';
import type { BufferBudget } from '../storage/chunk-reader.ts';
import { rememberedBlob, storedBlob } from '../storage/stored-blob.ts';
import { fillingBlob, uncachedBlob } from './blob-answers.ts';
import type { DownloadTools } from './download.ts';
import type { Fills } from './fills.ts';
import { type KeptBlob, NoRoom, receiveAll } from './prewarm/warmable-repository.ts';
import { askSize, findProof } from './proof.ts';
import type { Room } from './publish-blob.ts';
import { entrySource, isRecordOf, type Source } from './source.ts';

export interface BlobPullTools extends DownloadTools {
  readonly entries: Pick<CacheEntries, 'listAt' | 'listOwners' | 'listOrigins' | 'linkBlob'>;
  readonly blobs: Pick<Blobs, 'find'>;
  readonly reads: BlobReads;
  readonly hot: Pick<HotContent, 'findBlob' | 'keep' | 'findBytes' | 'keepBytes'>;
  readonly fills: Fills;
  readonly buffers: BufferBudget;
  readonly usage: Usage;
  readonly room: Pick<Room, 'grew'>;
  readonly log: Log;
  readonly now: () => number;
}

/** As the records have it. */
interface Recorded {
  readonly copy: HotBlob;
  readonly outcome: Outcome;
}

interface Stored extends Recorded {
  readonly reader: ClientBlob;
}

/** Who asks for what. */
interface Asked {
  readonly key: string;
  readonly sources: readonly Source[];
  readonly digest: Digest;
  readonly signal: AbortSignal | undefined;
}

export class BlobPull {
  readonly #tools: BlobPullTools;

  constructor(tools: BlobPullTools) {
    this.#tools = tools;
  }

  /** What is answered without waiting, counted as {@link blob} counts it; undefined where something has to be waited for. */
  hot(key: string, digest: Digest, isPull: boolean): BytesAnswer | undefined {
    const { hot, usage } = this.#tools;
    const known = hot.findBlob(nameOf(key, digest));
    const payload = known && hot.findBytes(digest);
    if (!payload) return undefined;
    if (isPull) usage.count(known.entryId);
    return { digest, mediaType: octetStream, payload, outcome: 'hit' };
  }

  /**
   * @param key of the registry and image, for what is hot
   * @throws OciError BLOB_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS
   */
  async blob(
    key: string,
    sources: readonly Source[],
    digest: Digest,
    signal?: AbortSignal,
  ): Promise<BlobAnswer> {
    const warm = this.hot(key, digest, true);
    if (warm) return rememberedBlob(digest, warm.outcome, warm.payload);
    return this.#blob({ key, sources, digest, signal });
  }

  /** @param gone a copy whose bytes were missed */
  async #blob(asked: Asked, gone?: StorageKey): Promise<BlobAnswer> {
    const { digest, signal } = asked;
    const opened = await this.#open(asked, gone);
    if ('stored' in opened) {
      if (gone === undefined) this.#tools.usage.count(opened.stored.copy.entryId);
      return this.#answer(asked, opened.stored);
    }
    const { joined, ordered, size } = opened;
    if (joined === 'uncached') {
      const said = size ?? (await askSize(ordered, digest, signal)).size;
      return uncachedBlob(digest, said, ordered, this.#tools);
    }
    return fillingBlob(joined.isFollower ? 'collapsed' : 'miss', joined.fill, ordered, this.#tools);
  }

  /** As {@link blob}, once it is in the store, and counted as no download. @throws NoRoom where it is not kept */
  async keep(
    key: string,
    sources: readonly Source[],
    digest: Digest,
    signal?: AbortSignal,
  ): Promise<KeptBlob> {
    const asked = { key, sources, digest, signal };
    const opened = await this.#open(asked);
    if ('stored' in opened) return { blob: this.#answer(asked, opened.stored), fetchedBytes: 0 };
    const { joined, since } = opened;
    if (joined === 'uncached') throw new NoRoom('nothing can be written to the store');
    const bytes = await receiveAll(joined.fill, signal);
    await untilAborted(this.#tools.fills.isStored(digest, since), signal);
    const stored = await this.#stored(asked);
    if (!stored) throw new NoRoom('the cache is full, and what is in it stays');
    return { blob: this.#answer(asked, stored), fetchedBytes: joined.isFollower ? 0 : bytes };
  }

  /**
   * What is here by the records alone: a pull that misses the bytes fetches them again.
   * @throws OciError BLOB_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS
   */
  async stat(
    key: string,
    sources: readonly Source[],
    digest: Digest,
    signal?: AbortSignal,
  ): Promise<BlobStat> {
    const since = this.#tools.fills.moment;
    const recorded = await this.#recorded({ key, sources, digest, signal });
    if (recorded) return { digest, size: recorded.copy.size, outcome: recorded.outcome };
    const fill = await this.#tools.fills.find(digest, sources);
    if (fill) return { digest, size: fill.size, outcome: 'collapsed' };
    if (this.#tools.fills.hasEnded(digest, since)) return this.stat(key, sources, digest, signal);
    const { ordered, size } = await this.#ordered(sources, digest);
    const asked = await askSize(ordered, digest, signal);
    return { digest, size: size ?? asked.size, outcome: 'miss' };
  }

  /** What is here, or a fill. */
  async #open(asked: Asked, gone?: StorageKey) {
    const { fills } = this.#tools;
    const { sources, digest, signal } = asked;
    for (;;) {
      const since = fills.moment;
      const stored = await this.#stored(asked, gone);
      if (stored) return { stored };
      const { ordered, size } = await this.#ordered(sources, digest);
      const joined = await fills.join(digest, ordered, size, since, signal);
      if (joined !== 'look-again') return { joined, ordered, size, since };
    }
  }

  #answer(asked: Asked, { outcome, reader, copy }: Stored): BlobAnswer {
    const { buffers, hot: memory } = this.#tools;
    const lookElsewhere = () => this.#blob(asked, copy.storageKey);
    return storedBlob(asked.digest, outcome, reader, { buffers, memory, lookElsewhere });
  }

  /** What is here, opened; where the records say so and it is not, it is looked for once more. @param gone a copy that was missed */
  async #stored(asked: Asked, gone?: StorageKey): Promise<Stored | undefined> {
    const recorded = await this.#recorded(asked, gone);
    if (!recorded) return undefined;
    const { storageKey, size } = recorded.copy;
    const reader = await this.#tools.reads.open(storageKey, size, asked.digest);
    // A record may be switched to another copy between reading it and opening the old one.
    return reader ? { ...recorded, reader } : this.#stored(asked, storageKey);
  }

  /** A recorded copy that one of the sources links or, asked, says it has; never the one that is gone. */
  async #recorded({ key, sources, digest, signal }: Asked, gone?: StorageKey): Promise<Recorded | undefined> {
    const { blobs, entries, hot, log } = this.#tools;
    const name = nameOf(key, digest);
    const known = hot.findBlob(name);
    if (known && known.storageKey !== gone) return { copy: known, outcome: 'hit' };
    const record = await blobs.find(digest);
    if (!record) return undefined;
    const { storageKey, size } = record;
    if (storageKey === gone) {
      log.error({ digest, key: gone }, 'bytes of a recorded blob are gone: fetching them again');
      return undefined;
    }
    const [linked] = await entries.listAt(sources.map(entrySource), 'blob', digest);
    const entry = linked ?? (await this.#link(sources, digest, size, signal));
    if (!entry) return undefined;
    const copy = { entryId: entry.id, storageKey, size };
    hot.keep(name, copy);
    return { copy, outcome: linked ? 'hit' : 'revalidated' };
  }

  /** One HEAD proves the right to bytes that are here, at an upstream of the origin they came from. */
  async #link(
    sources: readonly Source[],
    digest: Digest,
    size: number,
    signal: AbortSignal | undefined,
  ): Promise<CacheEntry | undefined> {
    const origins = new Set(
      (await this.#tools.entries.listOrigins(digest)).map((url) => new URL(url).origin),
    );
    const source = await findProof(sources, origins, digest, signal);
    if (!source) return undefined;
    const entry = { ...entrySource(source), groupId: source.groupId, mediaType: octetStream };
    const link = { ...entry, digest, size, checkedAt: this.#tools.now() };
    const linked = await this.#tools.entries.linkBlob(link).catch(unlessCollected);
    if (linked) await this.#tools.room.grew(source.groupId);
    return linked;
  }

  /** The sources whose manifests refer to the blob first, and the size that they say. */
  async #ordered(
    sources: readonly Source[],
    digest: Digest,
  ): Promise<{ ordered: Source[]; size: number | undefined }> {
    const owners = await this.#tools.entries.listOwners(sources.map(entrySource), digest);
    const isOwner = (source: Source) => owners.some((owner) => isRecordOf(owner.source, source));
    const ordered = [...sources.filter(isOwner), ...sources.filter((source) => !isOwner(source))];
    return { ordered, size: owners[0]?.size };
  }
}

/** What a blob is known by among what is hot. */
function nameOf(key: string, digest: Digest): string {
  return `${key}@${digest}`;
}

/** Undefined where the record went while the upstream was asked. */
function unlessCollected(error: unknown): undefined {
  if (!(error instanceof MissingOwner)) throw error;
  return undefined;
}
