/** Projects: what repositories belong to. */
import { type Generated, type Insertable, type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import type { Keyset, KeysetPart, Page, Paged } from '../db/page.ts';
import { type Pages, unindexed } from '../db/pages.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { Visibility } from './groups.ts';
import {
  byPath,
  isInOrder,
  matchingProjects,
  type ProjectFilter,
  type ProjectOrder,
} from './project-filter.ts';

/**
 * Who of those that visibility lets pull may do so: enabled: all; private: Reporters and above; disabled: nobody, and nobody pushes or
 * deletes either.
 */
export const registryAccessLevels = ['enabled', 'private', 'disabled'] as const;
export type RegistryAccessLevel = (typeof registryAccessLevels)[number];

export interface ProjectTable {
  id: Generated<number>;
  groupId: number;
  name: string;
  path: string;
  /** Unique, in lower case: the group's full path, a slash, and the path. */
  fullPath: string;
  description: Optional<string>;
  visibility: Visibility;
  containerRegistryAccessLevel: Generated<RegistryAccessLevel>;
  /** How many bytes of distinct blobs its repositories may link; undefined: as many as its groups may. */
  quotaBytes: Optional<number>;
  /** When it came to its full path, which another may have had before. */
  placedAt: number;
  createdAt: number;
  updatedAt: number;
}

export type Project = RecordOf<ProjectTable>;

/** Where the access level is left out, it is 'enabled'. */
export type NewProject = Readonly<
  Omit<Insertable<ProjectTable>, 'id' | 'placedAt' | 'createdAt' | 'updatedAt'>
>;

/** What is undefined stays as it is; null clears. */
export type ProjectChanges = Readonly<
  Pick<
    Updateable<ProjectTable>,
    'name' | 'description' | 'visibility' | 'containerRegistryAccessLevel' | 'quotaBytes'
  >
>;

/** How many segments of a repository's name may come after its project's full path. */
export const maxSegmentsInside = 2;
/** A project is in a group, at least. */
export const minProjectSegments = 2;
/** Names that begin with it belong to virtual registries. */
const reservedPrefix = 'virtual_registries/';

const projectColumns = [
  'id',
  'groupId',
  'name',
  'path',
  'fullPath',
  'description',
  'visibility',
  'containerRegistryAccessLevel',
  'quotaBytes',
  'placedAt',
  'createdAt',
  'updatedAt',
] as const satisfies readonly (keyof ProjectTable)[];

/** The same twice where there are not so many. */
type OwnerPaths = { readonly longest: string; readonly shorter: string; readonly shortest: string };

export class Projects {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;
  readonly #owner: (values: OwnerPaths) => Promise<readonly Project[]>;

  constructor(
    db: Kysely<Tables>,
    now: () => number,
    { pages, reads }: { readonly pages: Pages; readonly reads: PreparedReads },
    reading = db,
  ) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#pages = pages;
    this.#owner = reads.prepare<OwnerPaths, Project>('project of a name', (value) =>
      db
        .selectFrom('projects')
        .select(projectColumns)
        .where('fullPath', 'in', [value('longest'), value('shorter'), value('shortest')])
        .orderBy(sql`length(full_path)`, 'desc')
        .limit(1),
    );
  }

  async list(
    filter: ProjectFilter,
    page: Page,
    { by, direction }: ProjectOrder = byPath,
  ): Promise<Paged<Project>> {
    const keys = by === 'id' || by === 'fullPath' ? [sql.ref(by)] : [sql.ref(by), sql.ref('id')];
    return this.#pages.list(await this.#matching(filter, by), { keys, direction }, page);
  }

  /** By number. */
  async listAfter(filter: ProjectFilter, keyset: Keyset): Promise<KeysetPart<Project>> {
    return this.#pages.listById(await this.#matching(filter, 'id'), 'id', keyset);
  }

  async #matching(filter: ProjectFilter, by: ProjectOrder['by']) {
    const now = this.#now();
    const all = sql.table<Selectable<ProjectTable>>('projects');
    if (isInOrder(filter, by)) return matchingProjects(this.#reading, all, filter, now);
    const found = await this.#pages.texts.from('projects', filter.search);
    return {
      few: matchingProjects(this.#reading, found, filter, now),
      many: matchingProjects(this.#reading, all, filter, now, unindexed),
    };
  }

  find(id: number): Promise<Project | undefined> {
    return this.#db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @param fullPath in lower case */
  findByPath(fullPath: string): Promise<Project | undefined> {
    return this.#db.selectFrom('projects').selectAll().where('fullPath', '=', fullPath).executeTakeFirst();
  }

  /**
   * The project that a repository of this name belongs, or would belong, to: the one whose full path is the longest beginning of the
   * name, with at most two segments after it.
   */
  async findOwner(name: string): Promise<Project | undefined> {
    if (name.startsWith(reservedPrefix)) return undefined;
    const segments = name.split('/');
    if (segments.length < minProjectSegments) return undefined;
    const pathOf = (inside: number) =>
      segments.slice(0, Math.max(minProjectSegments, segments.length - inside)).join('/');
    const paths = { longest: name, shorter: pathOf(1), shortest: pathOf(maxSegmentsInside) };
    return (await this.#owner(paths))[0];
  }

  /**
   * Makes other transactions that hold the same project wait for this one's end, so that what is counted stays so. Whoever holds
   * groups as well holds them first. False when there is no such project.
   */
  async hold(id: number): Promise<boolean> {
    const query = this.#db.selectFrom('projects').select('id').where('id', '=', id).forNoKeyUpdate();
    return (await query.executeTakeFirst()) !== undefined;
  }

  /** @throws UniqueViolation projects_full_path, MissingOwner */
  create(project: NewProject): Promise<Project> {
    const now = this.#now();
    return this.#db
      .insertInto('projects')
      .values({ ...project, placedAt: now, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined when there is no such project. */
  update(id: number, changes: ProjectChanges): Promise<Project | undefined> {
    return this.#db
      .updateTable('projects')
      .set({ ...changes, updatedAt: this.#now() })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
  }

  /** Its repositories, their links and tags, and its uploads go with it: see Reviews.addProject. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('projects').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}
