/** Uploads: whose they are and how long they last. How far one has come is said by its bytes alone. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

export interface UploadRecord {
  readonly id: string;
  readonly projectId: number;
  /** The name of the repository, which may not have been made yet. */
  readonly repository: string;
  /** As of {@link Writer.key}. */
  readonly writer: string;
  /** Epoch milliseconds. */
  readonly startedAt: number;
  /** Epoch milliseconds; the record stays until {@link UploadRecords.removeExpired}. */
  readonly expiresAt: number;
  /** What it was committed with; undefined while it goes on. */
  readonly finishedDigest: Digest | undefined;
}

export class UploadRecords {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** @throws MissingOwner when the project is gone */
  async create(upload: Omit<UploadRecord, 'finishedDigest'>): Promise<void> {
    await this.#db
      .insertInto('uploads')
      .values({
        id: upload.id,
        projectId: upload.projectId,
        repository: upload.repository,
        writer: upload.writer,
        startedAt: upload.startedAt,
        expiresAt: upload.expiresAt,
        finishedDigest: null,
      })
      .execute();
  }

  /** Also one that is finished or has expired. */
  async find(id: string): Promise<UploadRecord | undefined> {
    const row = await this.#db.selectFrom('uploads').selectAll().where('id', '=', id).executeTakeFirst();
    return (
      row && {
        id: row.id,
        projectId: row.projectId,
        repository: row.repository,
        writer: row.writer,
        startedAt: row.startedAt,
        expiresAt: row.expiresAt,
        // It was parsed before it was recorded.
        finishedDigest: (row.finishedDigest ?? undefined) as Digest | undefined,
      }
    );
  }

  /** How many go on: neither finished nor expired. @param now epoch milliseconds */
  async countActive(writer: string, now: number): Promise<number> {
    const { count } = await this.#db
      .selectFrom('uploads')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('writer', '=', writer)
      .where('finishedDigest', 'is', null)
      .where('expiresAt', '>', now)
      .executeTakeFirstOrThrow();
    return count;
  }

  /**
   * It was committed, by whoever comes first. False, and nothing changed, when it is gone or was finished before.
   * @param expiresAt how long its end is remembered; epoch milliseconds
   */
  async finish(id: string, digest: Digest, expiresAt: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('uploads')
      .set({ finishedDigest: digest, expiresAt })
      .where('id', '=', id)
      .where('finishedDigest', 'is', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** False when there was none. */
  async remove(id: string): Promise<boolean> {
    const query = this.#db.deleteFrom('uploads').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }

  /** Finished or not. How many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('uploads').where('expiresAt', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }

  /** Those of `ids` that have a record and are not finished: their bytes are needed. */
  async listKnown(ids: readonly string[]): Promise<ReadonlySet<string>> {
    const known = new Set<string>();
    for (const batch of inBatches(ids)) {
      const rows = await this.#db
        .selectFrom('uploads')
        .select('id')
        .where('id', 'in', batch)
        .where('finishedDigest', 'is', null)
        .execute();
      for (const row of rows) known.add(row.id);
    }
    return known;
  }
}
