/** Projects: what repositories belong to. */
import { type Kysely, type Selectable, sql } from 'kysely';
import {
  isAfter,
  type Keyset,
  type KeysetPart,
  keysetPart,
  offsetOf,
  type Page,
  type Paged,
} from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { Visibility } from './groups.ts';
import { byPath, matchingProjects, type ProjectFilter, type ProjectOrder } from './project-filter.ts';

/** Who may pull what visibility would let them: all of those; Reporters and above; nobody, and nobody pushes or deletes either. */
export type RegistryAccessLevel = 'enabled' | 'private' | 'disabled';

export interface Project {
  readonly id: number;
  readonly groupId: number;
  readonly name: string;
  readonly path: string;
  /** In lower case: the group's full path, a slash, and the path. */
  readonly fullPath: string;
  readonly description: string | undefined;
  readonly visibility: Visibility;
  readonly containerRegistryAccessLevel: RegistryAccessLevel;
  /** How many bytes of distinct blobs its repositories may link; undefined: as many as its groups may. */
  readonly quotaBytes: number | undefined;
  /** When it came to its full path, which another may have had before. */
  readonly placedAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export interface NewProject {
  readonly groupId: number;
  readonly name: string;
  readonly path: string;
  /** Lower case. */
  readonly fullPath: string;
  readonly description?: string | undefined;
  readonly visibility: Visibility;
  /** 'enabled' where left out. */
  readonly containerRegistryAccessLevel?: RegistryAccessLevel | undefined;
  readonly quotaBytes?: number | undefined;
}

/** What is undefined stays as it is; null clears. */
export interface ProjectChanges {
  readonly name?: string | undefined;
  readonly description?: string | null | undefined;
  readonly visibility?: Visibility | undefined;
  readonly containerRegistryAccessLevel?: RegistryAccessLevel | undefined;
  readonly quotaBytes?: number | null | undefined;
}

/** How many segments of a repository's name may come after its project's full path. */
const maxSegmentsInside = 2;
const minSegments = 2;
/** Names that begin with it belong to virtual registries. */
const reservedPrefix = 'virtual_registries/';

export class Projects {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async list(
    filter: ProjectFilter,
    page: Page,
    { by, direction }: ProjectOrder = byPath,
  ): Promise<Paged<Project>> {
    const matching = matchingProjects(this.#db, filter, this.#now());
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy(by, direction)
      .orderBy('id', direction)
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** By number. */
  async listAfter(filter: ProjectFilter, keyset: Keyset): Promise<KeysetPart<Project>> {
    const { direction, limit } = keyset;
    const query = matchingProjects(this.#db, filter, this.#now())
      .where(isAfter(keyset))
      .orderBy('id', direction);
    return keysetPart(
      (
        await query
          .selectAll()
          .limit(limit + 1)
          .execute()
      ).map(fromRow),
      keyset,
    );
  }

  async find(id: number): Promise<Project | undefined> {
    const row = await this.#db.selectFrom('projects').selectAll().where('id', '=', id).executeTakeFirst();
    return row && fromRow(row);
  }

  /** @param fullPath in lower case */
  async findByPath(fullPath: string): Promise<Project | undefined> {
    const query = this.#db.selectFrom('projects').selectAll().where('full_path', '=', fullPath);
    const row = await query.executeTakeFirst();
    return row && fromRow(row);
  }

  /**
   * The project that a repository of this name belongs, or would belong, to: the one whose full path is the longest beginning of the
   * name, with at most two segments after it.
   */
  async findOwner(name: string): Promise<Project | undefined> {
    if (name.startsWith(reservedPrefix)) return undefined;
    const segments = name.split('/');
    const least = Math.max(minSegments, segments.length - maxSegmentsInside);
    const paths: string[] = [];
    for (let length = segments.length; length >= least; length--)
      paths.push(segments.slice(0, length).join('/'));
    if (paths.length === 0) return undefined;
    const row = await this.#db
      .selectFrom('projects')
      .selectAll()
      .where('full_path', 'in', paths)
      .orderBy(sql`length(full_path)`, 'desc')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
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
  async create(project: NewProject): Promise<Project> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('projects')
      .values({
        group_id: project.groupId,
        name: project.name,
        path: project.path,
        full_path: project.fullPath,
        description: project.description ?? null,
        visibility: project.visibility,
        container_registry_access_level: project.containerRegistryAccessLevel ?? 'enabled',
        quota_bytes: project.quotaBytes ?? null,
        created_at: now,
        updated_at: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined when there is no such project. */
  async update(id: number, changes: ProjectChanges): Promise<Project | undefined> {
    const row = await this.#db
      .updateTable('projects')
      .set({
        name: changes.name,
        description: changes.description,
        visibility: changes.visibility,
        container_registry_access_level: changes.containerRegistryAccessLevel,
        quota_bytes: changes.quotaBytes,
        updated_at: this.#now(),
      })
      .where('id', '=', id)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** With its repositories, their links and tags, and its upload sessions: see Reviews.addProject. False when there was none. */
  async remove(id: number): Promise<boolean> {
    const query = this.#db.deleteFrom('projects').where('id', '=', id);
    return (await query.executeTakeFirstOrThrow()).numDeletedRows > 0n;
  }
}

function fromRow(row: Selectable<Tables['projects']>): Project {
  return {
    id: row.id,
    groupId: row.group_id,
    name: row.name,
    path: row.path,
    fullPath: row.full_path,
    description: row.description ?? undefined,
    visibility: row.visibility,
    containerRegistryAccessLevel: row.container_registry_access_level,
    quotaBytes: row.quota_bytes ?? undefined,
    placedAt: row.placed_at ?? row.created_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
