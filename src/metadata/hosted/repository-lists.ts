/** Repositories as lists show them, with the projects they are in. */
import { type Kysely, sql } from 'kysely';
import { containing } from '../db/containing.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Direction, Page, Paged } from '../db/page.ts';
import type { Order, Pages } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';
import { isVisibleTo, type Viewer } from '../namespaces/repository-visibility.ts';
import { type RepositoryRecord, repositoryColumns } from './repositories.ts';

export interface ListedRepository extends RepositoryRecord {
  /** Full path of its project. */
  readonly projectPath: string;
  /** When it was measured last; undefined where that was never. */
  readonly sizeBytes: number | undefined;
  /** Whether the size is still so. */
  readonly isSizeCurrent: boolean;
}

export interface RepositoryFilter {
  readonly projectId?: number | undefined;
  /** Only repositories in projects below the group of this full path. */
  readonly below?: string | undefined;
  /** Part of the name. */
  readonly search?: string | undefined;
  /** Whom the list is for; undefined: all are listed but those of projects whose registry is disabled. */
  readonly visibleTo?: Viewer | undefined;
}

/** What never happened comes before everything. */
export type RepositoryOrder = 'id' | 'name' | 'size' | 'published' | 'pulled';

const orders = {
  id: [sql.ref('repositories.id')],
  name: [sql.ref('repositories.name')],
  size: [sql`coalesce(repositories.size_bytes, 0)`, sql.ref('repositories.id')],
  published: [sql`coalesce(repositories.published_at, 0)`, sql.ref('repositories.id')],
  pulled: [sql`coalesce(repositories.pulled_at, 0)`, sql.ref('repositories.id')],
} as const satisfies Record<RepositoryOrder, Order['keys']>;

const listedColumns = [
  ...repositoryColumns,
  'repositories.sizeBytes',
  'repositories.sizedAt',
  'projects.fullPath as projectPath',
] as const;

export class RepositoryLists {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages) {
    this.#db = db;
    this.#now = now;
    this.#pages = pages;
  }

  async list(
    filter: RepositoryFilter,
    { by, direction }: { readonly by: RepositoryOrder; readonly direction: Direction },
    page: Page,
  ): Promise<Paged<ListedRepository>> {
    const query = this.#matching(filter).select(listedColumns);
    const found = await this.#pages.list(query, { keys: orders[by], direction }, page);
    return { ...found, records: found.records.map(listed) };
  }

  async find(id: number): Promise<ListedRepository | undefined> {
    const query = this.#inProjects().select(listedColumns).where('repositories.id', '=', id);
    const found = await query.executeTakeFirst();
    return found && listed(found);
  }

  /** How many tags repositories have, by their ids; those without tags are left out. */
  async countTags(repositoryIds: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const counts = new Map<number, number>();
    for (const batch of inBatches(repositoryIds)) {
      const rows = await this.#db
        .selectFrom('tags')
        .select(['repositoryId', (eb) => eb.fn.countAll<number>().as('count')])
        .where('repositoryId', 'in', batch)
        .groupBy('repositoryId')
        .execute();
      for (const row of rows) counts.set(row.repositoryId, row.count);
    }
    return counts;
  }

  /** In byte order. */
  async listTagNames(repositoryId: number): Promise<readonly string[]> {
    const rows = await this.#db
      .selectFrom('tags')
      .select('name')
      .where('repositoryId', '=', repositoryId)
      .orderBy('name')
      .execute();
    return rows.map(({ name }) => name);
  }

  #inProjects() {
    return this.#db.selectFrom('repositories').innerJoin('projects', 'projects.id', 'repositories.projectId');
  }

  #matching({ projectId, below: path, search, visibleTo }: RepositoryFilter) {
    let query = this.#inProjects().where('projects.containerRegistryAccessLevel', '<>', 'disabled');
    if (projectId !== undefined) query = query.where('repositories.projectId', '=', projectId);
    if (path !== undefined) query = query.where((eb) => below(eb.ref('projects.fullPath'), path));
    if (search) query = query.where((eb) => containing(eb.ref('repositories.name'), search));
    return visibleTo ? query.where(isVisibleTo(visibleTo, this.#now())) : query;
  }
}

/** A size is not current where the repository changed after it was measured. */
function listed({
  sizedAt,
  ...repository
}: Omit<ListedRepository, 'isSizeCurrent'> & { readonly sizedAt: number | undefined }): ListedRepository {
  return { ...repository, isSizeCurrent: sizedAt === repository.updatedAt };
}
