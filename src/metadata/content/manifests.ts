/** Payloads of manifests, byte for byte. They are written together with what links them. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';
import { bufferOf } from './manifest-payloads.ts';

/** Whatever links a payload says what type it is read as. primary key digest */
export interface ManifestTable {
  digest: Digest;
  payload: Uint8Array;
  /** In bytes. */
  size: number;
  /** The SHA-1 of the payload, as in {@link BlobTable}. */
  sha1: string;
  createdAt: number;
}

export class Manifests {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #payload: (key: {
    readonly digest: Digest;
  }) => Promise<readonly { readonly payload: Uint8Array }[]>;

  constructor(db: Kysely<Tables>, reads: PreparedReads, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#payload = reads.prepare('payload', (value) =>
      db.selectFrom('manifests').select('payload').where('digest', '=', value('digest')),
    );
  }

  /** What any of these manifests refers to, but for subjects: each digest once. */
  async listReferenced(digests: readonly Digest[]): Promise<readonly Digest[]> {
    const found = new Set<Digest>();
    for (const batch of inBatches(digests)) {
      const query = this.#reading
        .selectFrom('manifestReferences')
        .select('digest')
        .where('manifestDigest', 'in', batch)
        .where('kind', '<>', 'subject');
      for (const { digest } of await query.execute()) found.add(digest);
    }
    return [...found];
  }

  async findPayload(digest: Digest): Promise<Buffer | undefined> {
    const [row] = await this.#payload({ digest });
    return row && bufferOf(row.payload);
  }

  /** In bytes; undefined when there is none. */
  async findSize(digest: Digest): Promise<number | undefined> {
    const query = this.#db.selectFrom('manifests').select('size').where('digest', '=', digest);
    return (await query.executeTakeFirst())?.size;
  }

  /** Makes others that want to link it wait for the transaction's end. Returns its size in bytes; undefined when there is none. */
  async hold(digest: Digest): Promise<number | undefined> {
    const query = this.#db.selectFrom('manifests').select('size').where('digest', '=', digest).forUpdate();
    return (await query.executeTakeFirst())?.size;
  }

  /** Removes the payload with what is known of it. @throws MissingOwner while a repository has it */
  async remove(digest: Digest): Promise<void> {
    await this.#db.deleteFrom('manifests').where('digest', '=', digest).execute();
  }
}
