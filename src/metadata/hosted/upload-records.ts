/** Uploads: whose they are and how long they last. How far one has come is said by its bytes alone. */
import type { Insertable, Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { PreparedReads } from '../db/prepared.ts';
import { mayBeLost } from '../db/sqlite-apart.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

export interface UploadTable {
  /** The primary key. */
  id: string;
  projectId: number;
  /** The name of the repository, which may not have been made yet. */
  repository: string;
  /** The {@link Writer.key} of whoever uploads. */
  writer: string;
  /** Epoch milliseconds. */
  startedAt: number;
  /** Epoch milliseconds; the record stays until {@link UploadRecords.removeExpired}. */
  expiresAt: number;
  /** What it was committed with, kept so that the commit may be repeated; undefined while it goes on. */
  finishedDigest: Optional<Digest>;
}

export type UploadRecord = RecordOf<UploadTable>;

export class UploadRecords {
  readonly #db: Kysely<Tables>;
  readonly #find: (values: { readonly id: string }) => Promise<readonly UploadRecord[]>;
  readonly #count: (values: {
    writer: string;
    now: number;
  }) => Promise<readonly { readonly count: number }[]>;

  constructor(db: Kysely<Tables>, reads: PreparedReads) {
    this.#db = db;
    this.#find = reads.prepare<{ id: string }, UploadRecord>('upload', (value) =>
      db
        .selectFrom('uploads')
        .select(['id', 'projectId', 'repository', 'writer', 'startedAt', 'expiresAt', 'finishedDigest'])
        .where('id', '=', value('id')),
    );
    this.#count = reads.prepare<{ writer: string; now: number }, { count: number }>(
      'active uploads',
      (value) =>
        db
          .selectFrom('uploads')
          .select((eb) => eb.fn.countAll<number>().as('count'))
          .where('writer', '=', value('writer'))
          .where('finishedDigest', 'is', null)
          .where('expiresAt', '>', value('now')),
    );
  }

  /** A crash of the machine may take it back: it is then begun anew. @throws MissingOwner when the project is gone */
  async create(upload: Readonly<Omit<Insertable<UploadTable>, 'finishedDigest'>>): Promise<void> {
    await this.#db.insertInto('uploads').values(upload).modifyEnd(mayBeLost).execute();
  }

  /** An upload that is finished or has expired is found, too. */
  async find(id: string): Promise<UploadRecord | undefined> {
    return (await this.#find({ id }))[0];
  }

  /** How many of the writer's uploads go on: they are neither finished nor expired. @param now epoch milliseconds */
  async countActive(writer: string, now: number): Promise<number> {
    return (await this.#count({ writer, now }))[0]?.count ?? 0;
  }

  /**
   * Notes that it was committed, for whoever comes first. False, and nothing changed, when it is gone or was finished before.
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

  /** Removes uploads whose time is over, finished or not. Returns how many there were. @param now epoch milliseconds */
  async removeExpired(now: number): Promise<number> {
    const query = this.#db.deleteFrom('uploads').where('expiresAt', '<=', now);
    return Number((await query.executeTakeFirstOrThrow()).numDeletedRows);
  }

  /** The uploads of `ids` that have a record and are not finished: their bytes are needed. */
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
