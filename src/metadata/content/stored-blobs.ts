/** Blobs as the bytes behind them go: when they were verified, and what was found wrong. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { type CacheEntry, entryColumns } from '../cached/cache-entry.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import { sumOf } from '../db/sum.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { type BlobRecord, blobColumns } from './blobs.ts';

/** unique storageKey */
export interface StorageFindingTable {
  id: Generated<number>;
  /**
   * corrupt: bytes of another digest; missing: a record without bytes; orphaned: bytes without a record; moved: bytes whose record names a
   * copy in another store now.
   */
  kind: 'corrupt' | 'missing' | 'orphaned' | 'moved';
  /** Undefined where only the bytes would say. */
  digest: Optional<Digest>;
  storageKey: string;
  /** In bytes, as recorded, or of what is orphaned as it is. */
  size: number;
  /** Whether a repository that is pushed to links it: then no upstream has it. */
  hosted: boolean;
  /** open: nobody can have it from here, or it waits to be removed; healed: another copy is, or nobody asks for it any more. */
  state: 'open' | 'healed' | 'removed';
  /** Epoch milliseconds, as all instants here. */
  foundAt: number;
  /** When it was healed or removed. */
  settledAt: Optional<number>;
}

export type Finding = RecordOf<StorageFindingTable>;

export type NewFinding = Pick<Finding, 'kind' | 'digest' | 'storageKey' | 'size' | 'hosted'>;

export class StoredBlobs {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
  }

  /** Of all blobs. It looks at each of them. */
  async sumBytes(): Promise<number> {
    const { bytes } = await this.#reading
      .selectFrom('blobs')
      .select((eb) => sumOf(eb.ref('size')).as('bytes'))
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /** Those that were verified no later than `before`, the longest unverified first. */
  listUnverified(before: number, limit: number): Promise<readonly BlobRecord[]> {
    return this.#reading
      .selectFrom('blobs')
      .select(blobColumns)
      .where('verifiedAt', '<=', before)
      .orderBy('verifiedAt')
      .orderBy('digest')
      .limit(limit)
      .execute();
  }

  /** All, by digest. */
  list(after: string, limit: number): Promise<readonly BlobRecord[]> {
    return this.#reading
      .selectFrom('blobs')
      .select(blobColumns)
      .where(sql.ref<string>('digest'), '>', after)
      .orderBy('digest')
      .limit(limit)
      .execute();
  }

  /** All, by where their bytes are. */
  listByKey(after: string, limit: number): Promise<readonly BlobRecord[]> {
    return this.#reading
      .selectFrom('blobs')
      .select(blobColumns)
      .where('storageKey', '>', after)
      .orderBy('storageKey')
      .limit(limit)
      .execute();
  }

  /** Whether a record names this copy. */
  async isRecorded(storageKey: string): Promise<boolean> {
    const query = this.#db.selectFrom('blobs').select('digest').where('storageKey', '=', storageKey);
    return (await query.executeTakeFirst()) !== undefined;
  }

  /** Notes that this copy was read just now, whatever was found. A newer copy stays as it is. */
  async setVerified({ digest, storageKey }: Pick<BlobRecord, 'digest' | 'storageKey'>): Promise<void> {
    await this.#db
      .updateTable('blobs')
      .set({ verifiedAt: this.#now() })
      .where('digest', '=', digest)
      .where('storageKey', '=', storageKey)
      .execute();
  }

  /** Names of up to `limit` repositories that link it. */
  async listRepositories(digest: Digest, limit: number): Promise<readonly string[]> {
    const rows = await this.#reading
      .selectFrom('repositoryBlobs')
      .innerJoin('repositories', 'repositories.id', 'repositoryBlobs.repositoryId')
      .select('repositories.name')
      .where('repositoryBlobs.digest', '=', digest)
      .orderBy('repositories.name')
      .limit(limit)
      .execute();
    return rows.map(({ name }) => name);
  }

  /** False where the same was found before and is not settled. */
  async addFinding(finding: NewFinding): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('storageFindings')
      .values({ ...finding, state: 'open', foundAt: this.#now() })
      .onConflict((conflict) =>
        conflict
          .column('storageKey')
          .doUpdateSet({ kind: finding.kind, state: 'open', foundAt: this.#now(), settledAt: null })
          .where('storageFindings.state', '<>', 'open'),
      )
      .executeTakeFirstOrThrow();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  /** The entries of virtual registries through which it was fetched, or shared with others of the same origin. */
  listFetched(digest: Digest): Promise<readonly CacheEntry[]> {
    const query = this.#reading.selectFrom('cacheEntries').select(entryColumns).where('digest', '=', digest);
    return query.where('kind', '=', 'blob').orderBy('id').execute();
  }

  /** What was found wrong with this copy. */
  findFinding(storageKey: string): Promise<Finding | undefined> {
    const query = this.#db.selectFrom('storageFindings').selectAll().where('storageKey', '=', storageKey);
    return query.executeTakeFirst();
  }

  async settle(id: number, state: 'removed' | 'healed'): Promise<void> {
    await this.#db
      .updateTable('storageFindings')
      .set({ state, settledAt: this.#now() })
      .where('id', '=', id)
      .execute();
  }

  /** Open findings of these kinds, by id. @param before epoch milliseconds: found no later */
  listOpen(
    kinds: readonly Finding['kind'][],
    { after, before, limit }: { readonly after: number; readonly before: number; readonly limit: number },
  ): Promise<readonly Finding[]> {
    return this.#reading
      .selectFrom('storageFindings')
      .selectAll()
      .where('state', '=', 'open')
      .where('kind', 'in', kinds)
      .where('foundAt', '<=', before)
      .where('id', '>', after)
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  /** Settles open findings whose copy is recorded no more: another is, or nobody asks for the blob. Returns how many there were. */
  async settleHealed(): Promise<number> {
    const { numUpdatedRows } = await this.#db
      .updateTable('storageFindings')
      .set({ state: 'healed', settledAt: this.#now() })
      .where('state', '=', 'open')
      .where('kind', 'in', ['corrupt', 'missing'])
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('blobs')
              .select('blobs.digest')
              .whereRef('blobs.digest', '=', 'storageFindings.digest')
              .whereRef('blobs.storageKey', '=', 'storageFindings.storageKey'),
          ),
        ),
      )
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  }

  /** Newest first. */
  listFindings(state: Finding['state'] | undefined, page: Page): Promise<Paged<Finding>> {
    let matching = this.#reading.selectFrom('storageFindings').selectAll();
    if (state) matching = matching.where('state', '=', state);
    return this.#pages.list(matching, descending('id'), page);
  }
}
