/** Roles in groups, and which roles hold somewhere in all: those of the groups above, and of a project its own. */
import type { Kysely, Selectable } from 'kysely';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import {
  type ListedMember,
  listedFromRow,
  type Role,
  type RoleChanges,
  roleFromRow,
} from './listed-member.ts';
import { rolesUpTo, rolesWithin } from './memberships.ts';

export type { ListedMember };

export interface Member extends Role {
  readonly groupId: number;
}

export interface NewMember {
  readonly groupId: number;
  readonly userId: number;
  readonly accessLevel: number;
  readonly expiresAt?: number | undefined;
}

export class Members {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** By user id. */
  async list(groupId: number, page: Page): Promise<Paged<ListedMember>> {
    const matching = this.#db
      .selectFrom('members')
      .innerJoin('users', 'users.id', 'members.user_id')
      .where('members.group_id', '=', groupId);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll('members')
      .select(['users.username', 'users.name', 'users.state'])
      .orderBy('members.user_id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(listedFromRow), total };
  }

  /**
   * Whoever has a current role in the group or project of this full path, given there or in a group above it, by user id: each once,
   * with their highest role, and of equal ones the nearest.
   */
  async listInherited(fullPath: string, page: Page): Promise<Paged<ListedMember>> {
    const roles = rolesUpTo(fullPath, this.#now());
    const { total } = await this.#db
      .selectFrom(roles.as('roles'))
      .select((eb) => eb.fn.count<number>('roles.user_id').distinct().as('total'))
      .executeTakeFirstOrThrow();
    const ranked = this.#db
      .selectFrom(roles.as('roles'))
      .selectAll('roles')
      .select((eb) =>
        eb.fn
          .agg<number>('row_number')
          .over((over) =>
            over
              .partitionBy('roles.user_id')
              .orderBy('roles.access_level', 'desc')
              .orderBy('roles.full_path', 'desc'),
          )
          .as('rank'),
      );
    const rows = await this.#db
      .selectFrom(ranked.as('roles'))
      .innerJoin('users', 'users.id', 'roles.user_id')
      .select(['roles.user_id', 'roles.access_level', 'roles.expires_at', 'roles.created_at'])
      .select(['users.username', 'users.name', 'users.state'])
      .where('roles.rank', '=', 1)
      .orderBy('roles.user_id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(listedFromRow), total };
  }

  /** Of groups; those of projects are in {@link ProjectMembers}. */
  async listByUser(userId: number): Promise<readonly Member[]> {
    const query = this.#db
      .selectFrom('members')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('group_id');
    return (await query.execute()).map(fromRow);
  }

  /**
   * The highest current role that the user has in the group or project of this full path, given there or in a group above it;
   * undefined: none.
   */
  async levelAt(fullPath: string, userId: number): Promise<number | undefined> {
    const { level } = await this.#db
      .selectFrom(rolesUpTo(fullPath, this.#now()).as('roles'))
      .select((eb) => eb.fn.max<number | null>('roles.access_level').as('level'))
      .where('roles.user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return level ?? undefined;
  }

  /** Whether the user has any current role in the group of this full path, or in a group or project below it. */
  async isBelow(fullPath: string, userId: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom(rolesWithin(fullPath, this.#now()).as('roles'))
      .select('roles.user_id')
      .where('roles.user_id', '=', userId)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  async find(groupId: number, userId: number): Promise<Member | undefined> {
    const row = await this.#db
      .selectFrom('members')
      .selectAll()
      .where('group_id', '=', groupId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation members_group_id_user_id, MissingOwner */
  async create(member: NewMember): Promise<Member> {
    const row = await this.#db
      .insertInto('members')
      .values({
        group_id: member.groupId,
        user_id: member.userId,
        access_level: member.accessLevel,
        expires_at: member.expiresAt ?? null,
        created_at: this.#now(),
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such member. */
  async update(groupId: number, userId: number, changes: RoleChanges): Promise<Member | undefined> {
    const row = await this.#db
      .updateTable('members')
      .set({ access_level: changes.accessLevel, expires_at: changes.expiresAt })
      .where('group_id', '=', groupId)
      .where('user_id', '=', userId)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(groupId: number, userId: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('members')
      .where('group_id', '=', groupId)
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['members']>): Member {
  return { groupId: row.group_id, ...roleFromRow(row) };
}
