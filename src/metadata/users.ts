import type { Kysely, Selectable } from 'kysely';
import { containing } from './containing.ts';
import { offsetOf, type Page, type Paged } from './page.ts';
import type { Tables } from './schema.ts';

export interface User {
  readonly id: number;
  /** Lower case. */
  readonly username: string;
  readonly name: string;
  readonly email: string | undefined;
  readonly state: 'active' | 'blocked';
  readonly isAdmin: boolean;
  readonly passwordHash: string | undefined;
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
}

/** What is undefined stays as it is; null clears. */
export interface UserChanges {
  readonly name?: string | undefined;
  readonly email?: string | null | undefined;
  readonly state?: User['state'] | undefined;
  readonly isAdmin?: boolean | undefined;
  readonly passwordHash?: string | null | undefined;
}

export class Users {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. @param search part of the username or name */
  async list(search: string | undefined, page: Page): Promise<Paged<User>> {
    let matching = this.#db.selectFrom('users');
    if (search) {
      matching = matching.where((eb) =>
        eb.or([containing(eb.ref('username'), search), containing(eb.ref('name'), search)]),
      );
    }
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

  /** An active user. @throws UniqueViolation users_username */
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
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such user. */
  async update(id: number, changes: UserChanges): Promise<User | undefined> {
    const row = await this.#db
      .updateTable('users')
      .set({
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

  /** With their tokens and memberships. False when there was none. */
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
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
