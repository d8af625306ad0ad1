import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface SigningKeyRecord {
  readonly kid: string;
  readonly algorithm: string;
  /** The private JWK, encrypted with the installation's secret key. */
  readonly privateKeySealed: string;
  /** PEM; undefined: none was made yet. */
  readonly certificate: string | undefined;
  readonly createdAt: number;
  /** Epoch milliseconds, and may lie ahead: from then on it signs nothing, and what it signed before is good. */
  readonly retiredAt: number | undefined;
}

export interface NewSigningKey extends Omit<SigningKeyRecord, 'certificate' | 'retiredAt'> {
  readonly certificate?: string | undefined;
  readonly retiredAt?: number | undefined;
}

export class SigningKeys {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Oldest first, retired ones too. */
  async list(): Promise<readonly SigningKeyRecord[]> {
    const query = this.#db.selectFrom('signing_keys').selectAll().orderBy('created_at').orderBy('kid');
    return (await query.execute()).map(fromRow);
  }

  /** @throws UniqueViolation signing_keys_kid */
  async add(key: NewSigningKey): Promise<void> {
    await this.#db
      .insertInto('signing_keys')
      .values({
        kid: key.kid,
        algorithm: key.algorithm,
        private_key_sealed: key.privateKeySealed,
        certificate: key.certificate ?? null,
        created_at: key.createdAt,
        retired_at: key.retiredAt ?? null,
      })
      .execute();
  }

  /** For a key that has none, by whoever comes first. The one that is kept; undefined when there is no such key. @param certificate PEM */
  async ensureCertificate(kid: string, certificate: string): Promise<string | undefined> {
    const row = await this.#db
      .updateTable('signing_keys')
      .set((eb) => ({ certificate: eb.fn.coalesce('certificate', eb.val(certificate)) }))
      .where('kid', '=', kid)
      .returning('certificate')
      .executeTakeFirst();
    return row?.certificate ?? undefined;
  }

  /** One that was retired from an earlier time stays so. @param at epoch milliseconds; may lie ahead */
  async setRetired(kid: string, at: number): Promise<void> {
    await this.#db
      .updateTable('signing_keys')
      .set({ retired_at: at })
      .where('kid', '=', kid)
      .where((eb) => eb.or([eb('retired_at', 'is', null), eb('retired_at', '>', at)]))
      .execute();
  }

  /** Tokens that it signed are worth nothing any more. */
  async remove(kid: string): Promise<void> {
    await this.#db.deleteFrom('signing_keys').where('kid', '=', kid).execute();
  }
}

function fromRow(row: Selectable<Tables['signing_keys']>): SigningKeyRecord {
  return {
    kid: row.kid,
    algorithm: row.algorithm,
    privateKeySealed: row.private_key_sealed,
    certificate: row.certificate ?? undefined,
    createdAt: row.created_at,
    retiredAt: row.retired_at ?? undefined,
  };
}
