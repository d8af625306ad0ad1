/** Roles that are given in one project alone. Which roles hold there in all is said by {@link Members}. */
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

export interface ProjectMember extends Role {
  readonly projectId: number;
}

export interface NewProjectMember {
  readonly projectId: number;
  readonly userId: number;
  readonly accessLevel: number;
  readonly expiresAt?: number | undefined;
}

export class ProjectMembers {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** By user id. */
  async list(projectId: number, page: Page): Promise<Paged<ListedMember>> {
    const matching = this.#db
      .selectFrom('project_members')
      .innerJoin('users', 'users.id', 'project_members.user_id')
      .where('project_members.project_id', '=', projectId);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll('project_members')
      .select(['users.username', 'users.name', 'users.state'])
      .orderBy('project_members.user_id')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(listedFromRow), total };
  }

  async listByUser(userId: number): Promise<readonly ProjectMember[]> {
    const query = this.#db
      .selectFrom('project_members')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('project_id');
    return (await query.execute()).map(fromRow);
  }

  async find(projectId: number, userId: number): Promise<ProjectMember | undefined> {
    const row = await this.#db
      .selectFrom('project_members')
      .selectAll()
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** @throws UniqueViolation project_members_project_id_user_id, MissingOwner */
  async create(member: NewProjectMember): Promise<ProjectMember> {
    const row = await this.#db
      .insertInto('project_members')
      .values({
        project_id: member.projectId,
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
  async update(projectId: number, userId: number, changes: RoleChanges): Promise<ProjectMember | undefined> {
    const row = await this.#db
      .updateTable('project_members')
      .set({ access_level: changes.accessLevel, expires_at: changes.expiresAt })
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False when there was none. */
  async remove(projectId: number, userId: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('project_members')
      .where('project_id', '=', projectId)
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['project_members']>): ProjectMember {
  return { projectId: row.project_id, ...roleFromRow(row) };
}
