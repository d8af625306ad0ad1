/**
 * Groups and projects that go to another group. Images are called by their paths, so only what has none goes; what else names a
 * path goes along. Each in a transaction that holds the group around it, before and after.
 */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import { below } from './below.ts';
import type { Tables } from './schema.ts';

/** Of an upstream that is a group or project of this server. */
const localScheme = 'entrepot:';

export interface NewGroupPlace {
  /** Null: at the top. */
  readonly parentId: number | null;
  readonly fullPath: string;
}

export class Relocations {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Names of repositories with a manifest, in the project of this full path or in the group and below it; the first few. */
  async listImages(fullPath: string, limit: number): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('repositories')
      .innerJoin('projects', 'projects.id', 'repositories.project_id')
      .select('repositories.name')
      .where((eb) => isWithin(eb.ref('projects.full_path'), fullPath))
      .where((eb) =>
        eb.exists(
          eb
            .selectFrom('repository_manifests')
            .select('digest')
            .whereRef('repository_manifests.repository_id', '=', 'repositories.id'),
        ),
      )
      .orderBy('repositories.name')
      .limit(limit)
      .execute();
    return rows.map(({ name }) => name);
  }

  /** What was emptied, with what it still links: see Reviews.addGroup and Reviews.addProject. */
  async removeRepositories(fullPath: string): Promise<void> {
    await this.#db
      .deleteFrom('repositories')
      .where('project_id', 'in', (eb) =>
        eb
          .selectFrom('projects')
          .select('projects.id')
          .where((where) => isWithin(where.ref('projects.full_path'), fullPath)),
      )
      .execute();
  }

  /** The longest of the full paths below the group of this one, in characters; 0: there are none. */
  async longestBelow(fullPath: string): Promise<number> {
    const lengths = await Promise.all(
      (['groups', 'projects'] as const).map(async (table) => {
        const { longest } = await this.#db
          .selectFrom(table)
          .select(sql<number | null>`max(length(full_path))`.as('longest'))
          .where((eb) => below(eb.ref('full_path'), fullPath))
          .executeTakeFirstOrThrow();
        return Number(longest ?? 0);
      }),
    );
    return Math.max(...lengths);
  }

  /** With all that is below it. @throws UniqueViolation groups_full_path, projects_full_path */
  async moveGroup(id: number, from: string, { parentId, fullPath }: NewGroupPlace): Promise<void> {
    const now = this.#now();
    for (const table of ['groups', 'projects'] as const) {
      await this.#db
        .updateTable(table)
        .set((eb) => ({
          full_path: moved(eb.ref('full_path'), from, fullPath),
          placed_at: now,
          updated_at: now,
        }))
        .where((eb) => below(eb.ref('full_path'), from))
        .execute();
    }
    await this.#db
      .updateTable('groups')
      .set({ parent_id: parentId, full_path: fullPath, placed_at: now, updated_at: now })
      .where('id', '=', id)
      .execute();
    await this.#moveUpstreams(from, fullPath);
  }

  /** @throws UniqueViolation projects_full_path */
  async moveProject(id: number, from: string, groupId: number, fullPath: string): Promise<void> {
    const now = this.#now();
    await this.#db
      .updateTable('projects')
      .set({ group_id: groupId, full_path: fullPath, placed_at: now, updated_at: now })
      .where('id', '=', id)
      .execute();
    await this.#moveUpstreams(from, fullPath);
  }

  /** Those that show what was moved: whether they still may is asked at every pull. */
  async #moveUpstreams(from: string, to: string): Promise<void> {
    await this.#db
      .updateTable('upstreams')
      .set((eb) => ({ url: moved(eb.ref('url'), localScheme + from, localScheme + to) }))
      .where((eb) => isWithin(eb.ref('url'), localScheme + from))
      .execute();
  }
}

function isWithin(path: Expression<string>, fullPath: string): Expression<SqlBool> {
  return sql<SqlBool>`(${path} = ${fullPath} or ${below(path, fullPath)})`;
}

/** Both databases count characters from 1. */
function moved(path: Expression<string>, from: string, to: string) {
  return sql<string>`cast(${to} as text) || substr(${path}, ${sql.lit(from.length + 1)})`;
}
