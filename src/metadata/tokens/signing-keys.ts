import type { Insertable, Kysely } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

export interface SigningKeyTable {
  /** The primary key. */
  kid: string;
  /** `ES256` */
  algorithm: string;
  /** The private JWK, encrypted with the installation's secret key. */
  privateKeySealed: string;
  /** PEM, for registries that ask for one; undefined: none was made yet. */
  certificate: Optional<string>;
  createdAt: number;
  /** From then on the key signs nothing; what it signed before is good. Epoch milliseconds; it may lie ahead. */
  retiredAt: Optional<number>;
}

export type SigningKeyRecord = RecordOf<SigningKeyTable>;

export type NewSigningKey = Readonly<Insertable<SigningKeyTable>>;

export class SigningKeys {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Oldest first, retired ones too. */
  list(): Promise<readonly SigningKeyRecord[]> {
    return this.#db.selectFrom('signingKeys').selectAll().orderBy('createdAt').orderBy('kid').execute();
  }

  /** @throws UniqueViolation signing_keys_kid */
  async add(key: NewSigningKey): Promise<void> {
    await this.#db.insertInto('signingKeys').values(key).execute();
  }

  /**
   * Keeps the certificate where the key has none. Returns the one that is kept; undefined when there is no such key.
   * @param certificate PEM
   */
  async ensureCertificate(kid: string, certificate: string): Promise<string | undefined> {
    const row = await this.#db
      .updateTable('signingKeys')
      .set((eb) => ({ certificate: eb.fn.coalesce('certificate', eb.val(certificate)) }))
      .where('kid', '=', kid)
      .returning('certificate')
      .executeTakeFirst();
    return row?.certificate;
  }

  /** A key that was retired at an earlier time stays so. @param at epoch milliseconds; may lie ahead */
  async setRetired(kid: string, at: number): Promise<void> {
    await this.#db
      .updateTable('signingKeys')
      .set({ retiredAt: at })
      .where('kid', '=', kid)
      .where((eb) => eb.or([eb('retiredAt', 'is', null), eb('retiredAt', '>', at)]))
      .execute();
  }

  /** Tokens that it signed are worth nothing any more. */
  async remove(kid: string): Promise<void> {
    await this.#db.deleteFrom('signingKeys').where('kid', '=', kid).execute();
  }
}
