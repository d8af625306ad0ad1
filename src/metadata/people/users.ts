import {
  type Generated,
  type Insertable,
  type Kysely,
  type RawBuilder,
  type Selectable,
  sql,
  type Updateable,
} from 'kysely';
import { containing } from '../db/containing.ts';
import type { Keyset, KeysetPart, Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { PlaceKey } from '../namespaces/place.ts';

export interface UserTable {
  id: Generated<number>;
  /** Lower case; unique. */
  username: string;
  name: string;
  email: Optional<string>;
  state: 'active' | 'blocked';
  isAdmin: boolean;
  passwordHash: Optional<string>;
  /** A bot is whom a group or project access token acts as. */
  kind: Generated<'human' | 'bot'>;
  /** A bot belongs to one of the two, with which it goes; people belong to none. */
  botGroupId: Optional<number>;
  botProjectId: Optional<number>;
  createdAt: number;
  updatedAt: number;
}

export type User = RecordOf<UserTable>;

export type NewUser = Readonly<
  Pick<Insertable<UserTable>, 'username' | 'name' | 'email' | 'isAdmin' | 'passwordHash'>
> & {
  /** Makes it a bot. */
  readonly botOf?: PlaceKey | undefined;
};

/** What is undefined stays as it is; null clears. */
export type UserChanges = Readonly<
  Pick<Updateable<UserTable>, 'username' | 'name' | 'email' | 'state' | 'isAdmin' | 'passwordHash'>
>;

export interface UserFilter {
  /** Which kinds of users are listed; people where left out. */
  readonly kind?: User['kind'] | 'any' | undefined;
  /** The one user of this name; in lower case. */
  readonly username?: string | undefined;
  readonly state?: User['state'] | undefined;
  readonly isAdmin?: boolean | undefined;
}

export class Users {
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

  /** Oldest first, without bots unless asked for. @param search part of the username or name */
  async list(search: string | undefined, page: Page, filter: UserFilter = {}): Promise<Paged<User>> {
    return this.#pages.list(await this.#matching(search, filter), ascending('id'), page);
  }

  /** By number. @param search as of {@link list} */
  async listAfter(
    search: string | undefined,
    keyset: Keyset,
    filter: UserFilter = {},
  ): Promise<KeysetPart<User>> {
    return this.#pages.listById(await this.#matching(search, filter), 'id', keyset);
  }

  async #matching(search: string | undefined, filter: UserFilter) {
    const all = this.#from(sql.table('users'), search, filter);
    if (!search) return all;
    return { few: this.#from(await this.#pages.texts.from('users', search), search, filter), many: all };
  }

  #from(
    users: RawBuilder<Selectable<UserTable>>,
    search: string | undefined,
    { kind = 'human', username, state, isAdmin }: UserFilter,
  ) {
    let query = this.#reading.selectFrom(users.as('users')).selectAll();
    if (kind !== 'any') query = query.where('kind', '=', kind);
    if (username !== undefined) query = query.where('username', '=', username);
    if (state !== undefined) query = query.where('state', '=', state);
    if (isAdmin !== undefined) query = query.where('isAdmin', '=', isAdmin);
    if (!search) return query;
    return query.where((eb) =>
      eb.or([containing(eb.ref('username'), search), containing(eb.ref('name'), search)]),
    );
  }

  find(id: number): Promise<User | undefined> {
    return this.#db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @param username in lower case */
  findByUsername(username: string): Promise<User | undefined> {
    return this.#db.selectFrom('users').selectAll().where('username', '=', username).executeTakeFirst();
  }

  /** An active user. @throws UniqueViolation users_username, MissingOwner */
  create({ botOf, ...user }: NewUser): Promise<User> {
    const now = this.#now();
    return this.#db
      .insertInto('users')
      .values({
        ...user,
        state: 'active',
        kind: botOf ? 'bot' : 'human',
        botGroupId: botOf?.groupId,
        botProjectId: botOf?.projectId,
        createdAt: now,
        updatedAt: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such user. @throws UniqueViolation users_username */
  update(id: number, changes: UserChanges): Promise<User | undefined> {
    return this.#db
      .updateTable('users')
      .set({ ...changes, updatedAt: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /**
   * Their roles, tokens of theirs and of jobs that run for them, sessions and identities elsewhere go with them; what they made stays, and
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
