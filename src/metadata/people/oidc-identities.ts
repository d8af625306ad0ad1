/** Which user someone is that signs in at a provider. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/tables.ts';

/** primary key (issuer, subject) */
export interface OidcIdentityTable {
  issuer: string;
  /** Who they are there, for ever. */
  subject: string;
  userId: number;
  createdAt: number;
}

export type OidcIdentity = Readonly<Omit<OidcIdentityTable, 'createdAt'>>;

export class OidcIdentities {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** The user's id. */
  async find(issuer: string, subject: string): Promise<number | undefined> {
    const row = await this.#db
      .selectFrom('oidcIdentities')
      .select('userId')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst();
    return row?.userId;
  }

  /** Whether the user is someone at any provider already. */
  async isLinked(userId: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('oidcIdentities')
      .select('subject')
      .where('userId', '=', userId)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** @throws UniqueViolation oidc_identities_issuer_subject, MissingOwner */
  async create(identity: OidcIdentity): Promise<void> {
    await this.#db
      .insertInto('oidcIdentities')
      .values({ ...identity, createdAt: this.#now() })
      .execute();
  }
}
