/** The roles that hold in a group or project, given there or in a group above it, and who is left to decide about a group. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/schema.ts';
import { type ListedMember, listedFromRow } from './listed-member.ts';
import { rolesUpTo } from './memberships.ts';

const owner = 50;

export class InheritedRoles {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** The user's highest current role in the group or project of this full path, and of equal ones the nearest. */
  async find(fullPath: string, userId: number): Promise<ListedMember | undefined> {
    const row = await this.#db
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .innerJoin('users', 'users.id', 'roles.user_id')
      .select(['roles.user_id', 'roles.access_level', 'roles.expires_at', 'roles.created_at'])
      .select(['users.username', 'users.name', 'users.state'])
      .where('roles.user_id', '=', userId)
      .orderBy('roles.access_level', 'desc')
      .orderBy('roles.full_path', 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && listedFromRow(row);
  }

  /** Whether someone else owns the group of this full path: people who are not blocked. */
  async hasOtherOwner(fullPath: string, userId: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .innerJoin('users', 'users.id', 'roles.user_id')
      .select('users.id')
      .where('roles.access_level', '>=', owner)
      .where('users.id', '<>', userId)
      .where('users.kind', '=', 'human')
      .where('users.state', '=', 'active')
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }
}
