/** Which user someone is that signs in at another place. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface OidcIdentity {
  readonly issuer: string;
  /** Who they are there, for ever. */
  readonly subject: string;
  readonly userId: number;
}

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
      .selectFrom('oidc_identities')
      .select('user_id')
      .where('issuer', '=', issuer)
      .where('subject', '=', subject)
      .executeTakeFirst();
    return row?.user_id;
  }

  /** Whether the user is someone at any other place already. */
  async isLinked(userId: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('oidc_identities')
      .select('subject')
      .where('user_id', '=', userId)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** @throws UniqueViolation oidc_identities_issuer_subject, MissingOwner */
  async create({ issuer, subject, userId }: OidcIdentity): Promise<void> {
    await this.#db
      .insertInto('oidc_identities')
      .values({ issuer, subject, user_id: userId, created_at: this.#now() })
      .execute();
  }
}
