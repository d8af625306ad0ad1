/** What was found to be signed, by what is trusted: a signature that was good once stays so. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** primary key (fingerprint, digest) */
export interface SignedDigestTable {
  /** Of what is trusted. */
  fingerprint: string;
  digest: Digest;
  /** Who signed it, for people. */
  signer: string;
  /** Where the signature is, for people. */
  foundAt: string;
  /** The index whose signature covers it; undefined: its own. */
  coveredBy: Optional<Digest>;
  /** Epoch milliseconds. */
  verifiedAt: number;
}

export type SignedDigest = Omit<RecordOf<SignedDigestTable>, 'fingerprint' | 'digest'>;

export class SignedDigests {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  find(fingerprint: string, digest: Digest): Promise<SignedDigest | undefined> {
    return this.#db
      .selectFrom('signedDigests')
      .select(['signer', 'foundAt', 'coveredBy', 'verifiedAt'])
      .where('fingerprint', '=', fingerprint)
      .where('digest', '=', digest)
      .executeTakeFirst();
  }

  /** Of each digest the first is kept. */
  async save(fingerprint: string, digests: readonly Digest[], signed: SignedDigest): Promise<void> {
    for (const batch of inBatches(digests))
      await this.#db
        .insertInto('signedDigests')
        .values(batch.map((digest) => ({ ...signed, fingerprint, digest })))
        .onConflict((conflict) => conflict.doNothing())
        .execute();
  }
}
