/** Objects that are being written into buckets, whoever goes on with them; what was written a while ago is looked at and forgotten. */
import type { Generated, Kysely, Updateable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** unique store, uploadId */
export interface ObjectWriteTable {
  /** The primary key. */
  id: string;
  store: string;
  uploadId: Optional<string>;
  /** Who has it; nobody where it is undefined. */
  claim: Optional<string>;
  number: Generated<number>;
  pieceNumber: Generated<number>;
  hasBegun: Generated<boolean>;
  partedId: Optional<string>;
  pieces: readonly PieceOfWrite[];
  isSealed: Generated<boolean>;
  /** What it was committed as; undefined until then. */
  digest: Optional<Digest>;
  /** Where it is since. */
  storageKey: Optional<string>;
  changedAt: number;
}

export interface PieceOfWrite {
  readonly number: number;
  /** In bytes. */
  readonly size: number;
  readonly isOver: boolean;
}

/** primary key writeId, number */
export interface ObjectPartTable {
  writeId: string;
  number: number;
  /** In bytes. */
  size: number;
  tag: string;
}

export type ObjectWriteRecord = RecordOf<ObjectWriteTable>;

interface Changes
  extends Partial<
    Pick<ObjectWriteRecord, 'number' | 'pieceNumber' | 'hasBegun' | 'partedId' | 'pieces' | 'isSealed'>
  > {
  readonly part?: Omit<ObjectPartTable, 'writeId'>;
  readonly claim?: null;
  readonly uploadId?: null;
  readonly committed?: { readonly digest: Digest; readonly storageKey: string };
}

export class ObjectWrites {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** False where the upload has one. */
  async create(write: {
    readonly id: string;
    readonly store: string;
    readonly uploadId?: string | undefined;
    readonly claim: string;
  }): Promise<boolean> {
    const { numInsertedOrUpdatedRows } = await this.#db
      .insertInto('objectWrites')
      .values({ ...write, pieces: [], changedAt: this.#now() })
      .onConflict((conflict) => conflict.columns(['store', 'uploadId']).doNothing())
      .executeTakeFirstOrThrow();
    return (numInsertedOrUpdatedRows ?? 0n) > 0n;
  }

  /** Gives it to a new claim, with its parts in their order; undefined where the upload has none. */
  take(store: string, uploadId: string, claim: string) {
    return this.#take(claim, (query) => query.where('store', '=', store).where('uploadId', '=', uploadId));
  }

  /** False, and nothing changed, where it is another claim's by now, or gone. */
  save(id: string, claim: string, changes: Changes): Promise<boolean> {
    const { part, committed, ...rest } = changes;
    const set: Updateable<ObjectWriteTable> = { ...rest, ...committed, changedAt: this.#now() };
    return inTransaction(this.#db, async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('objectWrites')
        .set(set)
        .where('id', '=', id)
        .where('claim', '=', claim)
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return false;
      if (part)
        await tx
          .insertInto('objectParts')
          .values({ ...part, writeId: id })
          .execute();
      return true;
    });
  }

  /** What its parts and pieces have, in bytes; 0 where there is none. */
  async findLength(store: string, uploadId: string): Promise<number> {
    const write = await this.#db
      .selectFrom('objectWrites')
      .select([
        'pieces',
        (eb) =>
          eb
            .selectFrom('objectParts')
            .select((parts) => parts.fn.coalesce(parts.fn.sum<number>('size'), parts.lit(0)).as('bytes'))
            .whereRef('writeId', '=', 'objectWrites.id')
            .as('bytes'),
      ])
      .where('store', '=', store)
      .where('uploadId', '=', uploadId)
      .executeTakeFirst();
    if (!write) return 0;
    const pieces = write.pieces.filter(({ isOver }) => !isOver);
    return pieces.reduce((bytes, { size }) => bytes + size, Number(write.bytes ?? 0));
  }

  async listUploads(store: string): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('objectWrites')
      .select('uploadId')
      .where('store', '=', store)
      .where('uploadId', 'is not', null)
      .execute();
    return rows.flatMap(({ uploadId }) => uploadId ?? []);
  }

  /** Those that no upload goes on with and that nothing happened to since, the oldest first. @param before epoch milliseconds */
  listLeft(before: number, limit: number): Promise<readonly ObjectWriteRecord[]> {
    return this.#db
      .selectFrom('objectWrites')
      .selectAll()
      .where('changedAt', '<=', before)
      .where('uploadId', 'is', null)
      .orderBy('changedAt')
      .limit(limit)
      .execute();
  }

  /** As {@link take}, of one that no upload goes on with. */
  takeLeft(id: string, claim: string) {
    return this.#take(claim, (query) => query.where('id', '=', id).where('uploadId', 'is', null));
  }

  async isKnown(id: string): Promise<boolean> {
    const query = this.#db.selectFrom('objectWrites').select('id').where('id', '=', id);
    return (await query.executeTakeFirst()) !== undefined;
  }

  async remove(id: string): Promise<void> {
    await this.#db.deleteFrom('objectWrites').where('id', '=', id).execute();
  }

  #take(claim: string, which: (query: TakingQuery) => TakingQuery) {
    return inTransaction(this.#db, async (tx) => {
      const write = await which(startTaking(tx, claim, this.#now()))
        .returningAll()
        .executeTakeFirst();
      if (!write) return undefined;
      const parts = await tx
        .selectFrom('objectParts')
        .select(['number', 'size', 'tag'])
        .where('writeId', '=', write.id)
        .orderBy('number')
        .execute();
      return { ...write, parts };
    });
  }
}

function startTaking(db: Kysely<Tables>, claim: string, now: number) {
  return db.updateTable('objectWrites').set({ claim, changedAt: now });
}

type TakingQuery = ReturnType<typeof startTaking>;
