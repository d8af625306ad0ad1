import { expressionBuilder, type Kysely, type Selectable } from 'kysely';
import { containing } from '../db/containing.ts';
import { fromJsonList, toJsonList } from '../db/json-list.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { PlaceKey } from '../namespaces/place.ts';
import { isOfLife, revokeToken } from './token-life.ts';

export interface AccessToken {
  readonly id: number;
  readonly userId: number;
  readonly name: string;
  readonly description: string | undefined;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  readonly lastUsedAt: number | undefined;
}

export interface NewAccessToken {
  readonly userId: number;
  readonly name: string;
  readonly description?: string | undefined;
  /** SHA-256 of the token in hex; the token itself is kept nowhere. */
  readonly tokenHash: string;
  readonly scopes: readonly string[];
  readonly expiresAt?: number | undefined;
}

export interface AccessTokenFilter {
  readonly userId?: number | undefined;
  /** Only those of the bots of this group or project: its own access tokens. */
  readonly botOf?: PlaceKey | undefined;
  /** Neither revoked nor expired; or one of them. */
  readonly isActive?: boolean | undefined;
  /** Part of the name. */
  readonly search?: string | undefined;
}

export class AccessTokens {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Newest first. */
  async list(filter: AccessTokenFilter, page: Page): Promise<Paged<AccessToken>> {
    const { userId, botOf, isActive, search } = filter;
    let matching = this.#db.selectFrom('access_tokens');
    if (userId !== undefined) matching = matching.where('user_id', '=', userId);
    if (search !== undefined) matching = matching.where((eb) => containing(eb.ref('name'), search));
    if (isActive !== undefined) matching = matching.where(isOfLife('access_tokens', isActive, this.#now()));
    if (botOf) matching = matching.where((eb) => eb('user_id', 'in', idsOfBots(botOf)));
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id', 'desc')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  async find(id: number): Promise<AccessToken | undefined> {
    const row = await this.#db
      .selectFrom('access_tokens')
      .selectAll()
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  async findByHash(tokenHash: string): Promise<AccessToken | undefined> {
    const query = this.#db.selectFrom('access_tokens').selectAll().where('token_hash', '=', tokenHash);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation access_tokens_token_hash, MissingOwner */
  async create(token: NewAccessToken): Promise<AccessToken> {
    const row = await this.#db
      .insertInto('access_tokens')
      .values({
        user_id: token.userId,
        name: token.name,
        description: token.description ?? null,
        token_hash: token.tokenHash,
        scopes: toJsonList(token.scopes),
        created_at: this.#now(),
        expires_at: token.expiresAt ?? null,
        revoked_at: null,
        last_used_at: null,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** False when there is no such token or it was revoked before. */
  async revoke(id: number): Promise<boolean> {
    return revokeToken(this.#db, 'access_tokens', id, this.#now());
  }

  /** @param at epoch milliseconds */
  async noteUse(id: number, at: number): Promise<void> {
    await this.#db.updateTable('access_tokens').set({ last_used_at: at }).where('id', '=', id).execute();
  }
}

function fromRow(row: Selectable<Tables['access_tokens']>): AccessToken {
  return {
    id: row.id,
    userId: row.user_id,
    name: row.name,
    description: row.description ?? undefined,
    scopes: fromJsonList(row.scopes),
    createdAt: row.created_at,
    expiresAt: row.expires_at ?? undefined,
    revokedAt: row.revoked_at ?? undefined,
    lastUsedAt: row.last_used_at ?? undefined,
  };
}

function idsOfBots({ groupId, projectId }: PlaceKey) {
  const bots = expressionBuilder<Tables>().selectFrom('users').select('users.id');
  return groupId === undefined
    ? bots.where('users.bot_project_id', '=', projectId)
    : bots.where('users.bot_group_id', '=', groupId);
}
