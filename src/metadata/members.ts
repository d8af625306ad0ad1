import type { Kysely, Selectable } from 'kysely';
import { pathsUpTo } from './below.ts';
import { isCurrent } from './memberships.ts';
import { offsetOf, type Page, type Paged } from './page.ts';
import type { Tables } from './schema.ts';

export interface Member {
  readonly groupId: number;
  readonly userId: number;
  /** 10 Guest, 15 Planner, 20 Reporter, 30 Developer, 40 Maintainer, 50 Owner */
  readonly accessLevel: number;
  /** Epoch milliseconds; a member whose time is over is still a record. */
  readonly expiresAt: number | undefined;
  readonly createdAt: number;
}

export interface NewMember {
  readonly groupId: number;
  readonly userId: number;
  readonly accessLevel: number;
  readonly expiresAt?: number | undefined;
}

/** A member with what is shown of the user. */
export interface ListedMember extends Member {
  readonly username: string;
  readonly name: string;
  readonly state: 'active' | 'blocked';
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
   * Whoever has a current role in the group of this full path or above it, by user id: each once, with the membership of their
   * highest role, and of equal ones the nearest.
   */
  async listInherited(groupFullPath: string, page: Page): Promise<Paged<ListedMember>> {
    const matching = this.#db
      .selectFrom('members')
      .innerJoin('groups', 'groups.id', 'members.group_id')
      .where('groups.full_path', 'in', pathsUpTo(groupFullPath))
      .where(isCurrent(this.#now()));
    const { total } = await matching
      .select((eb) => eb.fn.count<number>('members.user_id').distinct().as('total'))
      .executeTakeFirstOrThrow();
    const ranked = matching.selectAll('members').select((eb) =>
      eb.fn
        .agg<number>('row_number')
        .over((over) =>
          over
            .partitionBy('members.user_id')
            .orderBy('members.access_level', 'desc')
            .orderBy('groups.full_path', 'desc'),
        )
        .as('rank'),
    );
    const rows = await this.#db
      .selectFrom(ranked.as('members'))
      .innerJoin('users', 'users.id', 'members.user_id')
      .selectAll('members')
      .select(['users.username', 'users.name', 'users.state'])
      .where('members.rank', '=', 1)
      .orderBy('members.user_id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(listedFromRow), total };
  }

  async listByUser(userId: number): Promise<readonly Member[]> {
    const query = this.#db
      .selectFrom('members')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('group_id');
    return (await query.execute()).map(fromRow);
  }

  /** The highest current role that the user has in the group of this full path or above it; undefined: none. */
  async levelAt(groupFullPath: string, userId: number): Promise<number | undefined> {
    const { level } = await this.#db
      .selectFrom('members')
      .innerJoin('groups', 'groups.id', 'members.group_id')
      .select((eb) => eb.fn.max<number | null>('members.access_level').as('level'))
      .where('members.user_id', '=', userId)
      .where('groups.full_path', 'in', pathsUpTo(groupFullPath))
      .where(isCurrent(this.#now()))
      .executeTakeFirstOrThrow();
    return level ?? undefined;
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

  /** What is undefined stays as it is, null clears. Undefined when there is no such member. */
  async update(
    groupId: number,
    userId: number,
    changes: { readonly accessLevel: number; readonly expiresAt?: number | null | undefined },
  ): Promise<Member | undefined> {
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

function listedFromRow({
  username,
  name,
  state,
  ...row
}: Selectable<Tables['members']> & Pick<ListedMember, 'username' | 'name' | 'state'>): ListedMember {
  return { ...fromRow(row), username, name, state };
}

function fromRow(row: Selectable<Tables['members']>): Member {
  return {
    groupId: row.group_id,
    userId: row.user_id,
    accessLevel: row.access_level,
    expiresAt: row.expires_at ?? undefined,
    createdAt: row.created_at,
  };
}
