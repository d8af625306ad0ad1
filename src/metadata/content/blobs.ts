/** Bytes that are in the blob store, and where. */
import type { Kysely, Selectable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tables } from '../db/tables.ts';
import { MissingContent } from '../db/violations.ts';

export interface BlobRecord {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Of the one copy that is served. */
  readonly storageKey: string;
  /** In hex; undefined where nobody asked for it: of what was pushed. */
  readonly sha1: string | undefined;
  readonly createdAt: number;
}

export class Blobs {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(digest: Digest): Promise<BlobRecord | undefined> {
    const row = await this.#db
      .selectFrom('blobs')
      .selectAll()
      .where('digest', '=', digest)
      .executeTakeFirst();
    return row && blobFromRow(row);
  }

  /** A known SHA-1 stays where the new record has none. False, and nothing changed, when another copy was recorded meanwhile. */
  async replaceCopy(record: BlobRecord, from: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('blobs')
      .set({
        storageKey: record.storageKey,
        size: record.size,
        sha1: record.sha1,
        createdAt: record.createdAt,
        verifiedAt: record.createdAt,
      })
      .where('digest', '=', record.digest)
      .where('storageKey', '=', from)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Makes others that want to link it wait for the transaction's end. Where its bytes are; undefined when there is no record. */
  async hold(digest: Digest): Promise<BlobRecord | undefined> {
    const query = this.#db.selectFrom('blobs').selectAll().where('digest', '=', digest).forUpdate();
    const row = await query.executeTakeFirst();
    return row && blobFromRow(row);
  }

  /** Forgets this copy; a newer one stays, and so does one that a repository links. */
  async remove(digest: Digest, storageKey: string): Promise<void> {
    await this.#db
      .deleteFrom('blobs')
      .where('digest', '=', digest)
      .where('storageKey', '=', storageKey)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('repositoryBlobs')
              .select('repositoryId')
              .whereRef('repositoryBlobs.digest', '=', 'blobs.digest'),
          ),
        ),
      )
      .execute();
  }
}

/** A record that is removed while it is looked for can be made anew; by then nobody removes it again at once. */
const maxTries = 5;

/**
 * The record of this digest, made where absent and `blob` is given; where another copy was recorded before, that one's. Until the
 * transaction ends it cannot be removed.
 * @throws MissingContent when there is none in the end
 */
export async function keepRecord(tx: Kysely<Tables>, digest: Digest, blob?: BlobRecord): Promise<BlobRecord> {
  for (let tries = 1; ; tries += 1) {
    if (blob) {
      const { size, storageKey, sha1, createdAt } = blob;
      await tx
        .insertInto('blobs')
        .values({
          digest,
          size,
          storageKey,
          sha1: sha1 ?? null,
          createdAt,
          verifiedAt: createdAt,
        })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .execute();
    }
    const query = tx.selectFrom('blobs').selectAll().where('digest', '=', digest).forKeyShare();
    const row = await query.executeTakeFirst();
    if (row) return blobFromRow(row);
    if (!blob || tries === maxTries) throw new MissingContent();
  }
}

/** Digests were parsed before they were recorded. */
export function blobFromRow(row: Selectable<Tables['blobs']>): BlobRecord {
  return {
    digest: row.digest as Digest,
    size: row.size,
    storageKey: row.storageKey,
    sha1: row.sha1 ?? undefined,
    createdAt: row.createdAt,
  };
}
