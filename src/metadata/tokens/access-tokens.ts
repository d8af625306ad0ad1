import { expressionBuilder, type Insertable, type Kysely } from 'kysely';
import { containing } from '../db/containing.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { PlaceKey } from '../namespaces/place.ts';
import { isOfLife, type LastingTokenColumns, revokeToken } from './token-life.ts';

export interface AccessTokenTable extends LastingTokenColumns {
  userId: number;
  description: Optional<string>;
}

export type AccessToken = Omit<RecordOf<AccessTokenTable>, 'tokenHash'>;

export type NewAccessToken = Readonly<
  Pick<Insertable<AccessTokenTable>, 'userId' | 'name' | 'description' | 'tokenHash' | 'scopes' | 'expiresAt'>
>;

export interface AccessTokenFilter {
  readonly userId?: number | undefined;
  /** Only those of the bots of this group or project: its own access tokens. */
  readonly botOf?: PlaceKey | undefined;
  /** True: tokens that are neither revoked nor expired; false: the others. */
  readonly isActive?: boolean | undefined;
  /** Part of the name. */
  readonly search?: string | undefined;
}

export class AccessTokens {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
  }

  /** Newest first. */
  list({ userId, botOf, isActive, search }: AccessTokenFilter, page: Page): Promise<Paged<AccessToken>> {
    let query = this.#reading.selectFrom('accessTokens').selectAll();
    if (userId !== undefined) query = query.where('userId', '=', userId);
    if (search !== undefined) query = query.where((eb) => containing(eb.ref('name'), search));
    if (isActive !== undefined) query = query.where(isOfLife('accessTokens', isActive, this.#now()));
    if (botOf) query = query.where('userId', 'in', idsOfBots(botOf));
    return this.#pages.list(query, descending('id'), page);
  }

  find(id: number): Promise<AccessToken | undefined> {
    return this.#db.selectFrom('accessTokens').selectAll().where('id', '=', id).executeTakeFirst();
  }

  findByHash(tokenHash: string): Promise<AccessToken | undefined> {
    const query = this.#db.selectFrom('accessTokens').selectAll().where('tokenHash', '=', tokenHash);
    return query.executeTakeFirst();
  }

  /** @throws UniqueViolation access_tokens_token_hash, MissingOwner */
  create(token: NewAccessToken): Promise<AccessToken> {
    return this.#db
      .insertInto('accessTokens')
      .values({ ...token, createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** False when there is no such token or it was revoked before. */
  revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'accessTokens', id, this.#now());
  }

  /** @param at epoch milliseconds */
  async noteUse(id: number, at: number): Promise<void> {
    await this.#db.updateTable('accessTokens').set({ lastUsedAt: at }).where('id', '=', id).execute();
  }
}

function idsOfBots({ groupId, projectId }: PlaceKey) {
  const bots = expressionBuilder<Tables>().selectFrom('users').select('users.id');
  return groupId === undefined
    ? bots.where('users.botProjectId', '=', projectId)
    : bots.where('users.botGroupId', '=', groupId);
}
