import type { Kysely, Selectable } from 'kysely';
import { containing } from '../db/containing.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import { groupsOfMember } from '../people/memberships.ts';
import { below, pathsUpTo } from './below.ts';

export type Visibility = 'private' | 'internal' | 'public';

export interface Group {
  readonly id: number;
  readonly parentId: number | undefined;
  readonly name: string;
  readonly path: string;
  readonly fullPath: string;
  readonly description: string | undefined;
  readonly visibility: Visibility;
  /** How many bytes its projects and those of its subgroups may link together; undefined: as many as the groups above it. */
  readonly quotaBytes: number | undefined;
  /** When it came to its full path, which another may have had before. */
  readonly placedAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface NewGroup {
  readonly parentId?: number | undefined;
  readonly name: string;
  readonly path: string;
  /** Lower case. */
  readonly fullPath: string;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
  readonly quotaBytes?: number | undefined;
}

/** What is undefined stays as it is; null clears. */
export interface GroupChanges {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly visibility?: Visibility | undefined;
  readonly quotaBytes?: number | null | undefined;
}

export interface GroupFilter {
  /** Part of the name or full path. */
  readonly search?: string | undefined;
  /** Only the subgroups of the group of this full path, at any depth. */
  readonly below?: string | undefined;
  /** Only the direct subgroups of this group. */
  readonly parentId?: number | undefined;
  /** Only the group of this full path, in lower case. */
  readonly fullPath?: string | undefined;
  readonly isTopLevel?: boolean | undefined;
  /** Only groups of these visibilities, and those in which, or above which, the member has a current role; undefined: all. */
  readonly visibleTo?: GroupViewer | undefined;
}

export interface GroupViewer {
  readonly visibilities: readonly Visibility[];
  readonly memberId: number | undefined;
  /** That a role has to be of, as of {@link Member.accessLevel}; any where left out. */
  readonly leastLevel?: number;
}

export class Groups {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** By full path. */
  async list(filter: GroupFilter, page: Page): Promise<Paged<Group>> {
    const matching = this.#matching(filter);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('full_path')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  #matching({ search, below: path, parentId, fullPath, isTopLevel, visibleTo }: GroupFilter) {
    let query = this.#db.selectFrom('groups');
    if (fullPath !== undefined) query = query.where('full_path', '=', fullPath);
    if (isTopLevel) query = query.where('parent_id', 'is', null);
    if (path !== undefined) query = query.where((eb) => below(eb.ref('full_path'), path));
    if (parentId !== undefined) query = query.where('parent_id', '=', parentId);
    if (search) {
      query = query.where((eb) =>
        eb.or([containing(eb.ref('name'), search), containing(eb.ref('full_path'), search)]),
      );
    }
    if (!visibleTo) return query;
    const { visibilities, memberId, leastLevel = 0 } = visibleTo;
    return query.where((eb) => {
      const isVisible = eb.or(visibilities.map((each) => eb('visibility', '=', each)));
      if (memberId === undefined) return isVisible;
      const member = { userId: memberId, leastLevel, now: this.#now() };
      return eb.or([isVisible, eb('id', 'in', groupsOfMember(member))]);
    });
  }

  async find(id: number): Promise<Group | undefined> {
    const row = await this.#db.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** @param fullPath in lower case */
  async findByPath(fullPath: string): Promise<Group | undefined> {
    const row = await this.#db
      .selectFrom('groups')
      .selectAll()
      .where('full_path', '=', fullPath)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Those of these full paths that exist, the outer ones before those inside them. */
  async listByPaths(fullPaths: readonly string[]): Promise<readonly Group[]> {
    if (fullPaths.length === 0) return [];
    const query = this.#db.selectFrom('groups').selectAll().where('full_path', 'in', fullPaths);
    return (await query.orderBy('full_path').execute()).map(fromRow);
  }

  /**
   * Makes other transactions that hold the same group wait for this one's end, so that what is counted stays so.
   * False when there is no such group.
   */
  async hold(id: number): Promise<boolean> {
    const query = this.#db.selectFrom('groups').select('id').where('id', '=', id).forNoKeyUpdate();
    return (await query.executeTakeFirst()) !== undefined;
  }

  /**
   * Of the group of this full path and those above it, the ones that have a quota, the outermost first. They are held, as by
   * {@link hold}, so that what counts against their quotas stays so: ask before anything below them is held.
   */
  async listQuotas(fullPath: string): Promise<readonly Group[]> {
    const query = this.#db
      .selectFrom('groups')
      .selectAll()
      .where('full_path', 'in', pathsUpTo(fullPath))
      .where('quota_bytes', 'is not', null)
      .orderBy('full_path')
      .forNoKeyUpdate();
    return (await query.execute()).map(fromRow);
  }

  /** @throws UniqueViolation groups_full_path, MissingOwner */
  async create(group: NewGroup): Promise<Group> {
    const now = this.#now();
    const { name, path, visibility } = group;
    const row = await this.#db
      .insertInto('groups')
      .values({
        parent_id: group.parentId ?? null,
        name,
        path,
        full_path: group.fullPath,
        description: group.description ?? null,
        visibility,
        quota_bytes: group.quotaBytes ?? null,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such group. */
  async update(id: number, changes: GroupChanges): Promise<Group | undefined> {
    const row = await this.#db
      .updateTable('groups')
      .set({
        name: changes.name,
        description: changes.description,
        visibility: changes.visibility,
        quota_bytes: changes.quotaBytes,
        updated_at: this.#now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With its subgroups, projects, registries, upstreams, entries and members: see Reviews.addGroup. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('groups')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['groups']>): Group {
  return {
    id: row.id,
    parentId: row.parent_id ?? undefined,
    name: row.name,
    path: row.path,
    fullPath: row.full_path,
    description: row.description ?? undefined,
    visibility: row.visibility,
    quotaBytes: row.quota_bytes ?? undefined,
    placedAt: row.placed_at ?? row.created_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
