/** Blobs as the bytes behind them go: when they were verified, and what was found wrong. */
import type { Kysely, Selectable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { type CacheEntry, entryFromRow } from '../cached/cache-entry.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/tables.ts';
import { type BlobRecord, blobFromRow } from './blobs.ts';

type FindingTable = Tables['storageFindings'];

export interface NewFinding {
  /** corrupt: bytes of another digest; missing: a record without bytes; orphaned: bytes without a record. */
  readonly kind: FindingTable['kind'];
  readonly digest: Digest;
  readonly storageKey: string;
  /** In bytes, as recorded, or of what is orphaned as it is. */
  readonly size: number;
  /** Whether a repository that is pushed to links it: then no upstream has it. */
  readonly isHosted: boolean;
}

export interface Finding extends NewFinding {
  readonly id: number;
  /** open: nobody can have it from here, or it waits to be removed. */
  readonly state: FindingTable['state'];
  /** Epoch milliseconds, as all instants here. */
  readonly foundAt: number;
  /** When it was healed or removed. */
  readonly settledAt: number | undefined;
}

export class StoredBlobs {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Those that were verified no later than `before`, the longest unverified first. */
  async listUnverified(before: number, limit: number): Promise<readonly BlobRecord[]> {
    const rows = await this.#db
      .selectFrom('blobs')
      .selectAll()
      .where('verifiedAt', '<=', before)
      .orderBy('verifiedAt')
      .orderBy('digest')
      .limit(limit)
      .execute();
    return rows.map(blobFromRow);
  }

  /** All, by digest. */
  async list(after: string, limit: number): Promise<readonly BlobRecord[]> {
    const rows = await this.#db
      .selectFrom('blobs')
      .selectAll()
      .where('digest', '>', after)
      .orderBy('digest')
      .limit(limit)
      .execute();
    return rows.map(blobFromRow);
  }

  /** Now; whatever was found. A newer copy is another matter. */
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
    const rows = await this.#db
      .selectFrom('repositoryBlobs')
      .innerJoin('repositories', 'repositories.id', 'repositoryBlobs.repositoryId')
      .select('repositories.name')
      .where('repositoryBlobs.digest', '=', digest)
      .orderBy('repositories.name')
      .limit(limit)
      .execute();
    return rows.map(({ name }) => name);
  }

  /** False where it was found before, and is not settled. */
  async addFinding(finding: NewFinding): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('storageFindings')
      .values({
        kind: finding.kind,
        digest: finding.digest,
        storageKey: finding.storageKey,
        size: finding.size,
        hosted: finding.isHosted ? 1 : 0,
        state: 'open',
        foundAt: this.#now(),
        settledAt: null,
      })
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
  async listFetched(digest: Digest): Promise<readonly CacheEntry[]> {
    const query = this.#db.selectFrom('cacheEntries').selectAll().where('digest', '=', digest);
    const rows = await query.where('kind', '=', 'blob').orderBy('id').execute();
    return rows.map(entryFromRow);
  }

  /** What was found of this copy. */
  async findFinding(storageKey: string): Promise<Finding | undefined> {
    const query = this.#db.selectFrom('storageFindings').selectAll().where('storageKey', '=', storageKey);
    const row = await query.executeTakeFirst();
    return row && findingFromRow(row);
  }

  async settle(id: number, state: 'removed' | 'healed'): Promise<void> {
    await this.#db
      .updateTable('storageFindings')
      .set({ state, settledAt: this.#now() })
      .where('id', '=', id)
      .execute();
  }

  /** Open ones of records without bytes, by id. */
  async listMissing(after: number, limit: number): Promise<readonly Finding[]> {
    const open = this.#db.selectFrom('storageFindings').selectAll().where('state', '=', 'open');
    const missing = open.where('kind', '=', 'missing').where('id', '>', after);
    return (await missing.orderBy('id').limit(limit).execute()).map(findingFromRow);
  }

  /** Open ones whose copy is recorded no more: another is, or nobody asks for the blob. Their number. */
  async settleHealed(): Promise<number> {
    const { numUpdatedRows } = await this.#db
      .updateTable('storageFindings')
      .set({ state: 'healed', settledAt: this.#now() })
      .where('state', '=', 'open')
      .where('kind', '<>', 'orphaned')
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
  async listFindings(state: Finding['state'] | undefined, page: Page): Promise<Paged<Finding>> {
    let matching = this.#db.selectFrom('storageFindings');
    if (state) matching = matching.where('state', '=', state);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id', 'desc')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(findingFromRow), total };
  }
}

function findingFromRow(row: Selectable<FindingTable>): Finding {
  return {
    id: row.id,
    kind: row.kind,
    // Digests were parsed before they were recorded.
    digest: row.digest as Digest,
    storageKey: row.storageKey,
    size: row.size,
    isHosted: row.hosted === 1,
    state: row.state,
    foundAt: row.foundAt,
    settledAt: row.settledAt ?? undefined,
  };
}
