/** Bytes that are in the blob store, and where. */
import type { Generated, Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { MissingContent } from '../db/violations.ts';

/** primary key digest */
export interface BlobTable {
  digest: Digest;
  /** In bytes. */
  size: number;
  /** The key of the one copy that is served. */
  storageKey: string;
  /** In hex, as GitLab's cache entries show it; undefined until somebody asks for it. */
  sha1: Optional<string>;
  createdAt: number;
  /** When its bytes were written, or read again and found to be these. */
  verifiedAt: Generated<number>;
}

export type BlobRecord = Omit<RecordOf<BlobTable>, 'sha1' | 'verifiedAt'>;

export const blobColumns = ['blobs.digest', 'blobs.size', 'blobs.storageKey', 'blobs.createdAt'] as const;

export class Blobs {
  readonly #db: Kysely<Tables>;
  readonly #find: (values: { readonly digest: Digest }) => Promise<readonly BlobRecord[]>;

  constructor(db: Kysely<Tables>, reads: PreparedReads) {
    this.#db = db;
    this.#find = reads.prepare<{ digest: Digest }, BlobRecord>('blob', (value) =>
      db.selectFrom('blobs').select(blobColumns).where('digest', '=', value('digest')),
    );
  }

  async find(digest: Digest): Promise<BlobRecord | undefined> {
    return (await this.#find({ digest }))[0];
  }

  /** False, and nothing changed, when another copy was recorded meanwhile. */
  async replaceCopy(record: BlobRecord, from: string): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('blobs')
      .set({
        storageKey: record.storageKey,
        size: record.size,
        createdAt: record.createdAt,
        verifiedAt: record.createdAt,
      })
      .where('digest', '=', record.digest)
      .where('storageKey', '=', from)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Of its bytes, in hex. */
  async setSha1(digest: Digest, sha1: string): Promise<void> {
    await this.#db.updateTable('blobs').set({ sha1 }).where('digest', '=', digest).execute();
  }

  /** Makes others that want to link it wait for the transaction's end. Where its bytes are; undefined when there is no record. */
  hold(digest: Digest): Promise<BlobRecord | undefined> {
    const query = this.#db.selectFrom('blobs').select(blobColumns).where('digest', '=', digest);
    return query.forUpdate().executeTakeFirst();
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
      await tx
        .insertInto('blobs')
        .values({ ...blob, digest, verifiedAt: blob.createdAt })
        .onConflict((conflict) => conflict.column('digest').doNothing())
        .execute();
    }
    const query = tx.selectFrom('blobs').select(blobColumns).where('digest', '=', digest);
    const record = await query.forKeyShare().executeTakeFirst();
    if (record) return record;
    if (!blob || tries === maxTries) throw new MissingContent();
  }
}
