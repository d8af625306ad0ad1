/** The entries of virtual registries, as pulls read and write them; each read is one statement on an index. */
import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { ManifestReference } from '../../oci/manifest.ts';
import type { ReviewEvent } from '../collector/enqueue-reviews.ts';
import type { Reviews } from '../collector/reviews.ts';
import { type BlobRecord, keepRecord } from '../content/blobs.ts';
import { storePayload } from '../content/manifest-payloads.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';
import { MissingContent } from '../db/violations.ts';
import {
  type BlobLink,
  type CacheEntry,
  type Downloads,
  type EntryKind,
  type EntrySource,
  entryColumns,
  type ManifestLink,
} from './cache-entry.ts';
import { atAny, EntriesAt, inOrderOf } from './entries-at.ts';
import { type LinkedContent, linkEntry } from './link-entry.ts';
import { removeEntries } from './remove-entries.ts';

export class CacheEntries {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reviews: Reviews;
  readonly #at: EntriesAt;

  constructor(
    db: Kysely<Tables>,
    now: () => number,
    { reads, reviews }: { readonly reads: PreparedReads; readonly reviews: Reviews },
    reading = db,
  ) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#at = new EntriesAt(db, reads);
    this.#reviews = reviews;
  }

  /** Entries at any of these sources, in the order of `sources`. */
  listAt(sources: readonly EntrySource[], kind: EntryKind, reference: string): Promise<CacheEntry[]> {
    return this.#at.list(sources, kind, reference);
  }

  /** Entries at any of the sources whose content has this digest, whatever their reference, in the order of `sources`. */
  async listByDigest(
    sources: readonly EntrySource[],
    kind: EntryKind,
    digest: Digest,
  ): Promise<CacheEntry[]> {
    if (sources.length === 0) return [];
    const rows = await this.#reading
      .selectFrom('cacheEntries')
      .select(entryColumns)
      .where('kind', '=', kind)
      .where('digest', '=', digest)
      .where((eb) => atAny(eb, sources))
      .orderBy('id')
      .execute();
    return inOrderOf(sources, rows);
  }

  /**
   * Of `sources`, those that have a manifest entry whose manifest refers to `digest` as its config, a layer or a child; with
   * the size in bytes that the descriptor says. In the order of `sources`.
   */
  async listOwners(
    sources: readonly EntrySource[],
    digest: Digest,
  ): Promise<{ readonly source: EntrySource; readonly size: number }[]> {
    if (sources.length === 0) return [];
    const rows = await this.#reading
      .selectFrom('cacheEntries')
      .innerJoin('manifestReferences as used', 'used.manifestDigest', 'cacheEntries.digest')
      .select(['cacheEntries.upstreamId', 'cacheEntries.repository'])
      .select((eb) => eb.fn.max('used.size').as('size'))
      .where('used.digest', '=', digest)
      .where('used.kind', '<>', 'subject')
      .where('cacheEntries.kind', '=', 'manifest')
      .where((eb) => atAny(eb, sources))
      .groupBy(['cacheEntries.upstreamId', 'cacheEntries.repository'])
      .execute();
    return sources.flatMap((source) => {
      const row = rows.find(
        (each) => each.upstreamId === source.upstreamId && each.repository === source.repository,
      );
      return row ? [{ source, size: row.size }] : [];
    });
  }

  /** URLs of the upstreams that any blob entry of this digest came from. */
  async listOrigins(digest: Digest): Promise<string[]> {
    const rows = await this.#reading
      .selectFrom('cacheEntries')
      .innerJoin('upstreams', 'upstreams.id', 'cacheEntries.upstreamId')
      .select('upstreams.url')
      .distinct()
      .where('cacheEntries.digest', '=', digest)
      .where('cacheEntries.kind', '=', 'blob')
      .execute();
    return rows.map((row) => row.url);
  }

  /** Tags for which a manifest entry exists at the sources, in byte order. */
  async listTags(sources: readonly EntrySource[]): Promise<string[]> {
    if (sources.length === 0) return [];
    const rows = await this.#reading
      .selectFrom('cacheEntries')
      .select('reference')
      .distinct()
      .where('kind', '=', 'manifest')
      .where((eb) => atAny(eb, sources))
      // Digests have a colon, tags never.
      .where('reference', 'not like', '%:%')
      .orderBy('reference')
      .execute();
    return rows.map((row) => row.reference);
  }

  /**
   * One transaction: payload and references stored once by digest, the entry created, or switched as a whole.
   * @throws MissingOwner when the upstream or group is gone
   */
  saveManifest(
    entry: ManifestLink,
    payload: Buffer,
    references: readonly ManifestReference[],
  ): Promise<CacheEntry> {
    return inTransaction(this.#db, async (tx) => {
      await storePayload(tx, entry.digest, payload, references, this.#now());
      return this.#link(tx, { ...entry, size: payload.length });
    });
  }

  /** As {@link saveManifest} for a payload that is stored already. @throws MissingContent when it is not */
  linkManifest(entry: ManifestLink & { readonly size: number }): Promise<CacheEntry> {
    return inTransaction(this.#db, async (tx) => {
      const query = tx
        .selectFrom('manifests')
        .select('digest')
        .where('digest', '=', entry.digest)
        .forKeyShare();
      if (!(await query.executeTakeFirst())) throw new MissingContent();
      return this.#link(tx, entry);
    });
  }

  /**
   * One transaction: the blob record when given and absent, and the entry.
   * @throws MissingOwner when the upstream or group is gone, MissingContent when there is no blob record in the end
   */
  linkBlob(entry: BlobLink, blob?: BlobRecord): Promise<CacheEntry> {
    return inTransaction(this.#db, async (tx) => {
      await keepRecord(tx, entry.digest, blob);
      return this.#link(tx, { ...entry, kind: 'blob', reference: entry.digest, etag: undefined });
    });
  }

  #link(tx: Kysely<Tables>, entry: LinkedContent): Promise<CacheEntry> {
    return linkEntry(tx, { now: this.#now, reviews: this.#reviews.within(tx) }, entry);
  }

  /** The upstream still has what the entry says. @param checkedAt epoch milliseconds */
  async touch(id: number, checkedAt: number): Promise<void> {
    await this.#db
      .updateTable('cacheEntries')
      .set({ checkedAt: checkedAt, updatedAt: checkedAt, usedAt: checkedAt })
      .where('id', '=', id)
      .execute();
  }

  /** Removes the link alone: other links may lead to its payload or bytes, which are put up for review. */
  async remove(id: number, event: ReviewEvent = 'entry_delete'): Promise<void> {
    await inTransaction(this.#db, (tx) =>
      removeEntries(
        tx,
        this.#reviews.within(tx),
        tx.selectFrom('cacheEntries').select('id').where('id', '=', id),
        event,
      ),
    );
  }

  /** Adds counts in one transaction; entries that are gone are left out. */
  recordDownloads(downloads: readonly Downloads[]): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      for (const batch of inBatches(downloads)) {
        // Both databases call the columns of a list of values column1, column2, …
        const values = batch.map(
          ({ id, count, lastAt }) =>
            sql`(cast(${id} as bigint), cast(${count} as bigint), cast(${lastAt} as bigint))`,
        );
        await sql`
          update cache_entries
          set downloads_count = downloads_count + added.column2,
              downloaded_at = case when downloaded_at > added.column3 then downloaded_at else added.column3 end,
              used_at = case when used_at > added.column3 then used_at else added.column3 end
          from (values ${sql.join(values)}) as added
          where cache_entries.id = added.column1`.execute(tx);
      }
    });
  }
}
