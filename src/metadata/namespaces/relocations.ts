/**
 * Groups, projects and repositories that come to another path, with all that is called by it: subgroups, projects, repositories,
 * uploads, and upstreams that show them. Each in a transaction that holds the groups around it, before and after. What pushes hold comes
 * in the order in which they hold it: projects, repositories, uploads.
 */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Tables } from '../db/tables.ts';
import { below } from './below.ts';

/** The scheme of an upstream's URL that is a group or project of this server. */
const localScheme = 'entrepot:';

export interface NewGroupPath {
  /** Null: at the top. */
  readonly parentId: number | null;
  /** The last segment of the full path. */
  readonly path: string;
  readonly fullPath: string;
}

export interface NewProjectPath {
  readonly groupId: number;
  /** The last segment of the full path. */
  readonly path: string;
  readonly fullPath: string;
}

/** Repositories of a path: the one of that name, and those below it. */
export interface RepositoryPath {
  readonly projectId: number;
  readonly path: string;
}

export class Relocations {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** The longest of the full paths and names below this path, in characters; 0: there are none. */
  async longestBelow(fullPath: string): Promise<number> {
    const places = [
      ['groups', 'fullPath'],
      ['projects', 'fullPath'],
      ['repositories', 'name'],
    ] as const;
    const lengths = await Promise.all(
      places.map(async ([table, column]) => {
        const { rows } = await sql<{ longest: number | undefined }>`
          select max(length(${sql.ref(column)})) as longest from ${sql.table(table)}
          where ${below(sql.ref<string>(column), fullPath)}`.execute(this.#db);
        return rows[0]?.longest ?? 0;
      }),
    );
    return Math.max(...lengths);
  }

  /** All that is below the group comes with it. @throws UniqueViolation groups_full_path, projects_full_path, repositories_name */
  async moveGroup(id: number, from: string, { parentId, path, fullPath }: NewGroupPath): Promise<void> {
    const now = this.#now();
    for (const table of ['groups', 'projects'] as const) {
      await this.#db
        .updateTable(table)
        .set((eb) => ({
          fullPath: moved(eb.ref('fullPath'), from, fullPath),
          placedAt: now,
          updatedAt: now,
        }))
        .where((eb) => below(eb.ref('fullPath'), from))
        .execute();
    }
    await this.#db
      .updateTable('groups')
      .set({ parentId, path, fullPath, placedAt: now, updatedAt: now })
      .where('id', '=', id)
      .execute();
    await this.#moveContents(from, fullPath);
  }

  /** Its repositories come with it. @throws UniqueViolation projects_full_path, repositories_name */
  async moveProject(id: number, from: string, { groupId, path, fullPath }: NewProjectPath): Promise<void> {
    const now = this.#now();
    await this.#db
      .updateTable('projects')
      .set({ groupId, path, fullPath, placedAt: now, updatedAt: now })
      .where('id', '=', id)
      .execute();
    await this.#moveContents(from, fullPath);
  }

  async #moveContents(from: string, to: string): Promise<void> {
    const ids = this.#db
      .selectFrom('projects')
      .select('projects.id')
      .where((eb) => isWithin(eb.ref('projects.fullPath'), to));
    await this.#db
      .updateTable('repositories')
      .set((eb) => ({ name: moved(eb.ref('name'), from, to) }))
      .where((eb) => isWithin(eb.ref('name'), from))
      .execute();
    await this.#db
      .updateTable('uploads')
      .set((eb) => ({ repository: moved(eb.ref('repository'), from, to) }))
      .where('projectId', 'in', ids)
      .where((eb) => isWithin(eb.ref('repository'), from))
      .execute();
    await this.#db.deleteFrom('renameLeases').where('projectId', 'in', ids).execute();
    await this.#moveUpstreams(from, to);
  }

  /** Upstreams that show what was moved follow it: whether they still may show it is asked at every pull. */
  async #moveUpstreams(from: string, to: string): Promise<void> {
    await this.#db
      .updateTable('upstreams')
      .set((eb) => ({ url: moved(eb.ref('url'), localScheme + from, localScheme + to) }))
      .where((eb) => isWithin(eb.ref('url'), localScheme + from))
      .execute();
  }

  /**
   * Makes all that pushes to these projects wait for this transaction's end, the making of repositories included, so that none is missed.
   * It comes before anything of them is asked for.
   */
  async holdProjects(ids: readonly number[]): Promise<void> {
    await this.#db
      .selectFrom('projects')
      .select('id')
      .where('id', 'in', ids)
      .orderBy('id')
      .forUpdate()
      .execute();
  }

  /** In byte order. @param limit how many at most */
  async listRepositories({ projectId, path }: RepositoryPath, limit: number): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('repositories')
      .select('name')
      .where('projectId', '=', projectId)
      .where((eb) => isWithin(eb.ref('name'), path))
      .orderBy('name')
      .limit(limit)
      .execute();
    return rows.map(({ name }) => name);
  }

  /** The projects must be held, as by {@link holdProjects}. @throws UniqueViolation repositories_name */
  async moveRepositories(from: RepositoryPath, to: RepositoryPath): Promise<void> {
    await this.#db
      .updateTable('repositories')
      .set((eb) => ({ name: moved(eb.ref('name'), from.path, to.path), projectId: to.projectId }))
      .where('projectId', '=', from.projectId)
      .where((eb) => isWithin(eb.ref('name'), from.path))
      .execute();
    await this.#db
      .updateTable('uploads')
      .set((eb) => ({
        repository: moved(eb.ref('repository'), from.path, to.path),
        projectId: to.projectId,
      }))
      .where('projectId', '=', from.projectId)
      .where((eb) => isWithin(eb.ref('repository'), from.path))
      .execute();
    await this.#moveUpstreams(from.path, to.path);
  }
}

function isWithin(path: Expression<string>, fullPath: string): Expression<SqlBool> {
  return sql<SqlBool>`(${path} = ${fullPath} or ${below(path, fullPath)})`;
}

/** Both databases count characters from 1. */
function moved(path: Expression<string>, from: string, to: string) {
  return sql<string>`cast(${to} as text) || substr(${path}, ${sql.lit(from.length + 1)})`;
}
