/** Roles in groups and in projects, and which roles hold somewhere in all: those given there, and those of the groups above. */
import type { Insertable, Kysely } from 'kysely';
import type { Page, Paged } from '../db/page.ts';
import { ascending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { isOf, type PlaceKey } from '../namespaces/place.ts';
import { rolesUpTo, rolesWithin } from './memberships.ts';
import type { User } from './users.ts';

/** A role in a group or in a project, never in both. unique (groupId, userId) and (projectId, userId) */
export interface MemberTable {
  groupId: Optional<number>;
  projectId: Optional<number>;
  userId: number;
  /** 10 Guest, 15 Planner, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner */
  accessLevel: number;
  /** Epoch milliseconds; a role whose time is over is still a record. */
  expiresAt: Optional<number>;
  createdAt: number;
}

export type Member = RecordOf<MemberTable>;

/** A role, wherever it was given. */
export type Role = Omit<Member, 'groupId' | 'projectId'>;

/** A role with what is shown of the user. */
export type ListedMember = Role & Pick<User, 'username' | 'name' | 'state'>;

export type NewRole = Readonly<Omit<Insertable<MemberTable>, 'groupId' | 'projectId' | 'createdAt'>>;

/** What is undefined stays as it is, null clears. */
export interface RoleChanges {
  readonly accessLevel: number;
  readonly expiresAt?: number | null | undefined;
}

const owner = 50;
const roleColumns = ['roles.userId', 'roles.accessLevel', 'roles.expiresAt', 'roles.createdAt'] as const;
const userColumns = ['users.username', 'users.name', 'users.state'] as const;

export class Members {
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

  /** Who was given a role in this very place, by user id. */
  list(place: PlaceKey, page: Page): Promise<Paged<ListedMember>> {
    const query = this.#reading
      .selectFrom('members as roles')
      .innerJoin('users', 'users.id', 'roles.userId')
      .select([...roleColumns, ...userColumns])
      .where(isOf(place, 'roles'));
    return this.#pages.list(query, ascending('roles.userId'), page);
  }

  /**
   * Whoever has a current role in the group or project of this full path, given there or in a group above it, by user id: each once,
   * with their highest role, and of equal ones the nearest.
   */
  listInherited(fullPath: string, page: Page): Promise<Paged<ListedMember>> {
    const ranked = this.#reading
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .selectAll('roles')
      .select((eb) =>
        eb.fn
          .agg<number>('row_number')
          .over((over) =>
            over
              .partitionBy('roles.userId')
              .orderBy('roles.accessLevel', 'desc')
              .orderBy('roles.fullPath', 'desc'),
          )
          .as('rank'),
      );
    const query = this.#reading
      .selectFrom(ranked.as('roles'))
      .innerJoin('users', 'users.id', 'roles.userId')
      .select([...roleColumns, ...userColumns])
      .where('roles.rank', '=', 1);
    return this.#pages.list(query, ascending('roles.userId'), page);
  }

  /** The user's highest current role in the group or project of this full path, and of equal ones the nearest. */
  findInherited(fullPath: string, userId: number): Promise<ListedMember | undefined> {
    return this.#rolesUpTo(fullPath)
      .select([...roleColumns, ...userColumns])
      .where('roles.userId', '=', userId)
      .orderBy('roles.accessLevel', 'desc')
      .orderBy('roles.fullPath', 'desc')
      .limit(1)
      .executeTakeFirst();
  }

  /** Whether someone else owns the group of this full path: people who are not blocked. */
  async hasOtherOwner(fullPath: string, userId: number): Promise<boolean> {
    const found = await this.#rolesUpTo(fullPath)
      .select('users.id')
      .where('roles.accessLevel', '>=', owner)
      .where('users.id', '<>', userId)
      .where('users.kind', '=', 'human')
      .where('users.state', '=', 'active')
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  #rolesUpTo(fullPath: string) {
    return this.#db
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .innerJoin('users', 'users.id', 'roles.userId');
  }

  /** The roles that the user was given, wherever. */
  listByUser(userId: number): Promise<readonly Member[]> {
    return this.#db
      .selectFrom('members')
      .selectAll()
      .where('userId', '=', userId)
      .orderBy('groupId')
      .orderBy('projectId')
      .execute();
  }

  /**
   * The highest current role that the user has in the group or project of this full path, given there or in a group above it;
   * undefined: none.
   */
  async levelAt(fullPath: string, userId: number): Promise<number | undefined> {
    const { level } = await this.#db
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .select((eb) => eb.fn.max('roles.accessLevel').as('level'))
      .where('roles.userId', '=', userId)
      .$castTo<{ level: number | undefined }>()
      .executeTakeFirstOrThrow();
    return level;
  }

  /** Whether the user has any current role in the group of this full path, or in a group or project below it. */
  async isBelow(fullPath: string, userId: number): Promise<boolean> {
    const found = await this.#db
      .selectFrom(rolesWithin(fullPath, this.#now()).as('roles'))
      .select('roles.userId')
      .where('roles.userId', '=', userId)
      .limit(1)
      .executeTakeFirst();
    return found !== undefined;
  }

  find(place: PlaceKey, userId: number): Promise<Member | undefined> {
    return this.#db
      .selectFrom('members')
      .selectAll()
      .where(isOf(place, 'members'))
      .where('userId', '=', userId)
      .executeTakeFirst();
  }

  /** @throws UniqueViolation members_group_id_user_id, members_project_id_user_id, MissingOwner */
  create(member: PlaceKey & NewRole): Promise<Member> {
    return this.#db
      .insertInto('members')
      .values({ ...member, createdAt: this.#now() })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such member. */
  update(
    place: PlaceKey,
    userId: number,
    { accessLevel, expiresAt }: RoleChanges,
  ): Promise<Member | undefined> {
    return this.#db
      .updateTable('members')
      .set({ accessLevel, expiresAt })
      .where(isOf(place, 'members'))
      .where('userId', '=', userId)
      .returningAll()
      .executeTakeFirst();
  }

  /** False when there was none. */
  async remove(place: PlaceKey, userId: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('members')
      .where(isOf(place, 'members'))
      .where('userId', '=', userId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}
