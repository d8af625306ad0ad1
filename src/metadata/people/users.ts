import type { Kysely, Selectable } from 'kysely';
import { containing } from '../db/containing.ts';
import {
  isAfter,
  type Keyset,
  type KeysetPart,
  keysetPart,
  offsetOf,
  type Page,
  type Paged,
} from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { TokenPlace } from '../tokens/token-place.ts';

export interface User {
  readonly id: number;
  /** Lower case. */
  readonly username: string;
  readonly name: string;
  readonly email: string | undefined;
  readonly state: 'active' | 'blocked';
  readonly isAdmin: boolean;
  readonly passwordHash: string | undefined;
  /** A bot is whom a group or project access token acts as. */
  readonly kind: 'human' | 'bot';
  /** The group or project that a bot belongs to, and goes with. */
  readonly botOf: TokenPlace | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface NewUser {
  /** Lower case. */
  readonly username: string;
  readonly name: string;
  readonly email?: string | undefined;
  readonly isAdmin: boolean;
  readonly passwordHash?: string | undefined;
  /** Makes it a bot. */
  readonly botOf?: TokenPlace | undefined;
}

/** What is undefined stays as it is; null clears. */
export interface UserChanges {
  /** Lower case. */
  readonly username?: string | undefined;
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly state?: User['state'] | undefined;
  readonly isAdmin?: boolean | undefined;
  readonly passwordHash?: string | null | undefined;
}

export interface UserFilter {
  /** People where left out. */
  readonly kind?: User['kind'] | 'any' | undefined;
  /** Only this very one; in lower case. */
  readonly username?: string | undefined;
  readonly state?: User['state'] | undefined;
  readonly isAdmin?: boolean | undefined;
}

export class Users {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first, without bots unless asked for. @param search part of the username or name */
  async list(search: string | undefined, page: Page, filter: UserFilter = {}): Promise<Paged<User>> {
    const matching = this.#matching(search, filter);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** By number. @param search as of {@link list} */
  async listAfter(
    search: string | undefined,
    keyset: Keyset,
    filter: UserFilter = {},
  ): Promise<KeysetPart<User>> {
    const { direction, limit } = keyset;
    const query = this.#matching(search, filter).where(isAfter(keyset)).orderBy('id', direction);
    return keysetPart(
      (
        await query
          .selectAll()
          .limit(limit + 1)
          .execute()
      ).map(fromRow),
      keyset,
    );
  }

  #matching(search: string | undefined, { kind = 'human', username, state, isAdmin }: UserFilter) {
    let query = this.#db.selectFrom('users');
    if (kind !== 'any') query = query.where('kind', '=', kind);
    if (username !== undefined) query = query.where('username', '=', username);
    if (state !== undefined) query = query.where('state', '=', state);
    if (isAdmin !== undefined) query = query.where('admin', '=', Number(isAdmin));
    if (!search) return query;
    return query.where((eb) =>
      eb.or([containing(eb.ref('username'), search), containing(eb.ref('name'), search)]),
    );
  }

  async find(id: number): Promise<User | undefined> {
    const row = await this.#db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** @param username in lower case */
  async findByUsername(username: string): Promise<User | undefined> {
    const row = await this.#db
      .selectFrom('users')
      .selectAll()
      .where('username', '=', username)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** An active user. @throws UniqueViolation users_username, MissingOwner */
  async create(user: NewUser): Promise<User> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('users')
      .values({
        username: user.username,
        name: user.name,
        email: user.email ?? null,
        state: 'active',
        admin: Number(user.isAdmin),
        password_hash: user.passwordHash ?? null,
        kind: user.botOf ? 'bot' : 'human',
        bot_group_id: user.botOf?.groupId ?? null,
        bot_project_id: user.botOf?.projectId ?? null,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such user. @throws UniqueViolation users_username */
  async update(id: number, changes: UserChanges): Promise<User | undefined> {
    const row = await this.#db
      .updateTable('users')
      .set({
        username: changes.username,
        name: changes.name,
        email: changes.email,
        state: changes.state,
        admin: changes.isAdmin === undefined ? undefined : Number(changes.isAdmin),
        password_hash: changes.passwordHash,
        updated_at: this.#now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /**
   * With their roles, tokens of theirs and of jobs that run for them, sessions and identities elsewhere; what they made stays, and
   * so does what was audited. False when there was none.
   */
  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('users')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['users']>): User {
  return {
    id: row.id,
    username: row.username,
    name: row.name,
    email: row.email ?? undefined,
    state: row.state,
    isAdmin: row.admin === 1,
    passwordHash: row.password_hash ?? undefined,
    kind: row.kind,
    botOf: botPlaceOf(row),
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}

function botPlaceOf({ bot_group_id, bot_project_id }: Selectable<Tables['users']>): TokenPlace | undefined {
  if (bot_group_id !== null) return { groupId: bot_group_id };
  return bot_project_id === null ? undefined : { projectId: bot_project_id };
}
