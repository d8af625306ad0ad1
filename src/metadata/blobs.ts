/** Bytes that are in the blob store, and where. */
import type { Kysely, Selectable } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import type { Tables } from './schema.ts';

export interface BlobRecord {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  /** Of the one copy that is served. */
  readonly storageKey: string;
  /** In hex. */
  readonly sha1: string;
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
    return row && fromRow(row, digest);
  }

  /** False, and nothing changed, when another copy was recorded meanwhile. */
  async replaceCopy(record: BlobRecord, from: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('blobs')
      .set({
        storage_key: record.storageKey,
        size: record.size,
        sha1: record.sha1,
        created_at: record.createdAt,
      })
      .where('digest', '=', record.digest)
      .where('storage_key', '=', from)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Forgets this copy; a newer one stays. */
  async remove(digest: Digest, storageKey: string): Promise<void> {
    await this.#db
      .deleteFrom('blobs')
      .where('digest', '=', digest)
      .where('storage_key', '=', storageKey)
      .execute();
  }
}

function fromRow(row: Selectable<Tables['blobs']>, digest: Digest): BlobRecord {
  return { digest, size: row.size, storageKey: row.storage_key, sha1: row.sha1, createdAt: row.created_at };
}
