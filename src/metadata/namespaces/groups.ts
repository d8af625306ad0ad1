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
import type { Page, Paged } from '../db/page.ts';
import { ascending, indexed, type Naming, type Pages, unindexed } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import { groupsOfMember } from '../people/memberships.ts';
import { below, pathsUpTo } from './below.ts';

export type Visibility = 'private' | 'internal' | 'public';

export interface GroupTable {
  id: Generated<number>;
  parentId: Optional<number>;
  name: string;
  path: string;
  /** Unique, lower case. */
  fullPath: string;
  description: Optional<string>;
  visibility: Visibility;
  /** How many bytes its projects and those of its subgroups may link together; undefined: as many as the groups above it. */
  quotaBytes: Optional<number>;
  /** Of a top-level group: whether they can be used. */
  virtualRegistriesEnabled: Generated<boolean>;
  /** The user whose own namespace it is; undefined: nobody's. Unique. */
  userId: Optional<number>;
  /** When it came to its full path, which another may have had before. */
  placedAt: number;
  createdAt: number;
  updatedAt: number;
}

export type Group = RecordOf<GroupTable>;

export type NewGroup = Readonly<Omit<Insertable<GroupTable>, 'id' | 'placedAt' | 'createdAt' | 'updatedAt'>>;

/** What is undefined stays as it is; null clears. */
export type GroupChanges = Readonly<
  Pick<
    Updateable<GroupTable>,
    'name' | 'description' | 'visibility' | 'quotaBytes' | 'virtualRegistriesEnabled'
  >
>;

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
  /** The least {@link Member.accessLevel} that a role must have to count; any where left out. */
  readonly leastLevel?: number;
}

export class Groups {
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

  /** By full path. */
  async list(filter: GroupFilter, page: Page): Promise<Paged<Group>> {
    const all = sql.table<Selectable<GroupTable>>('groups');
    const { search, visibleTo } = filter;
    const few = this.#matching(await this.#pages.texts.from('groups', search), filter);
    const isInOrder = !search && !visibleTo;
    const listed = isInOrder ? few : { few, many: this.#matching(all, filter, unindexed) };
    return this.#pages.list(listed, ascending('fullPath'), page);
  }

  #matching(
    groups: RawBuilder<Selectable<GroupTable>>,
    { search, below: path, parentId, fullPath, isTopLevel, visibleTo }: GroupFilter,
    name: Naming = indexed,
  ) {
    let query = this.#reading.selectFrom(groups.as('groups')).selectAll();
    if (fullPath !== undefined) query = query.where('fullPath', '=', fullPath);
    if (isTopLevel) query = query.where((eb) => eb(name(eb.ref('parentId')), 'is', null));
    if (path !== undefined) query = query.where((eb) => below(eb.ref('fullPath'), path));
    if (parentId !== undefined) query = query.where((eb) => eb(name(eb.ref('parentId')), '=', parentId));
    if (search) {
      query = query.where((eb) =>
        eb.or([containing(eb.ref('name'), search), containing(eb.ref('fullPath'), search)]),
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

  find(id: number): Promise<Group | undefined> {
    return this.#db.selectFrom('groups').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @param fullPath in lower case */
  findByPath(fullPath: string): Promise<Group | undefined> {
    return this.#db.selectFrom('groups').selectAll().where('fullPath', '=', fullPath).executeTakeFirst();
  }

  /** The namespace of this user. */
  findByUser(userId: number): Promise<Group | undefined> {
    return this.#db.selectFrom('groups').selectAll().where('userId', '=', userId).executeTakeFirst();
  }

  /** The groups of these full paths that exist, the outer ones before those inside them. */
  async listByPaths(fullPaths: readonly string[]): Promise<readonly Group[]> {
    if (fullPaths.length === 0) return [];
    const query = this.#db.selectFrom('groups').selectAll().where('fullPath', 'in', fullPaths);
    return query.orderBy('fullPath').execute();
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
   * The groups that have a quota, of the group of this full path and those above it, the outermost first. They are held, as by {@link
   * hold}, so that what counts against their quotas stays so: ask before anything below them is held.
   */
  listQuotas(fullPath: string): Promise<readonly Group[]> {
    return this.#db
      .selectFrom('groups')
      .selectAll()
      .where('fullPath', 'in', pathsUpTo(fullPath))
      .where('quotaBytes', 'is not', null)
      .orderBy('fullPath')
      .forNoKeyUpdate()
      .execute();
  }

  /** @throws UniqueViolation groups_full_path, groups_user_id, MissingOwner */
  create(group: NewGroup): Promise<Group> {
    const now = this.#now();
    return this.#db
      .insertInto('groups')
      .values({ ...group, placedAt: now, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such group. */
  update(id: number, changes: GroupChanges): Promise<Group | undefined> {
    return this.#db
      .updateTable('groups')
      .set({ ...changes, updatedAt: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /** Its subgroups, projects, registries, upstreams, entries and members go with it: see Reviews.addGroup. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('groups')
      .where('id', '=', id)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }
}
