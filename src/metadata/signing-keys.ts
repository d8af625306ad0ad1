import type { Kysely } from 'kysely';
import type { Tables } from './schema.ts';

export interface SigningKeyRecord {
  readonly kid: string;
  readonly algorithm: string;
  /** The private JWK, encrypted with the installation's secret key. */
  readonly privateKeySealed: string;
  readonly createdAt: number;
}

export class SigningKeys {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Oldest first. */
  async list(): Promise<readonly SigningKeyRecord[]> {
    const rows = await this.#db
      .selectFrom('signing_keys')
      .selectAll()
      .orderBy('created_at')
      .orderBy('kid')
      .execute();
    return rows.map(({ kid, algorithm, private_key_sealed, created_at }) => ({
      kid,
      algorithm,
      privateKeySealed: private_key_sealed,
      createdAt: created_at,
    }));
  }

  /** @throws UniqueViolation signing_keys_kid */
  async add({ kid, algorithm, privateKeySealed, createdAt }: SigningKeyRecord): Promise<void> {
    await this.#db
      .insertInto('signing_keys')
      .values({ kid, algorithm, private_key_sealed: privateKeySealed, created_at: createdAt })
      .execute();
  }

  /** Tokens that it signed are worth nothing any more. */
  async remove(kid: string): Promise<void> {
    await this.#db.deleteFrom('signing_keys').where('kid', '=', kid).execute();
  }
}
