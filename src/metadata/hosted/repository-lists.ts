/** Repositories as lists show them, with the projects they are in. */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import { containing } from '../db/containing.ts';
import type { Direction, Page, Paged } from '../db/page.ts';
import { indexed, type Naming, type Order, type Pages, unindexed } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';
import { isVisibleTo, type Viewer } from '../namespaces/repository-visibility.ts';
import { type RepositoryRecord, type RepositoryTable, repositoryColumns } from './repositories.ts';

export interface ListedRepository extends RepositoryRecord {
  /** Full path of its project. */
  readonly projectPath: string;
  /** When it was measured last; undefined where that was never. */
  readonly sizeBytes: number | undefined;
  /** Whether the size is still so. */
  readonly isSizeCurrent: boolean;
  readonly tagsCount: number;
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
  size: [sql.ref('repositories.sizeBytesOrZero'), sql.ref('repositories.id')],
  published: [sql.ref('repositories.publishedAtOrZero'), sql.ref('repositories.id')],
  pulled: [sql.ref('repositories.pulledAtOrZero'), sql.ref('repositories.id')],
} as const satisfies Record<RepositoryOrder, Order['keys']>;

const listedColumns = [
  ...repositoryColumns,
  'repositories.sizeBytes',
  'repositories.sizedAt',
  'repositories.tagsCount',
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
    const { below: path, search, visibleTo } = filter;
    const all = sql.table<Selectable<RepositoryTable>>('repositories');
    const isInOrder = path === undefined && !search && !visibleTo;
    const few = this.#matching(await this.#pages.texts.from('repositories', search), filter);
    const ways = isInOrder ? few : { few, many: this.#matching(all, filter, unindexed) };
    const found = await this.#pages.list(ways, { keys: orders[by], direction }, page);
    return { ...found, records: found.records.map(listed) };
  }

  async find(id: number): Promise<ListedRepository | undefined> {
    const query = this.#inProjects().where('repositories.id', '=', id);
    const found = await query.executeTakeFirst();
    return found && listed(found);
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

  #inProjects(repositories: RawBuilder<Selectable<RepositoryTable>> = sql.table('repositories')) {
    return this.#db
      .selectFrom(repositories.as('repositories'))
      .innerJoin('projects', 'projects.id', 'repositories.projectId')
      .select(listedColumns);
  }

  #matching(
    repositories: RawBuilder<Selectable<RepositoryTable>>,
    { projectId, below: path, search, visibleTo }: RepositoryFilter,
    name: Naming = indexed,
  ) {
    let query = this.#inProjects(repositories).where(
      'projects.containerRegistryAccessLevel',
      '<>',
      'disabled',
    );
    if (projectId !== undefined)
      query = query.where((eb) => eb(name(eb.ref('repositories.projectId')), '=', projectId));
    if (path !== undefined) query = query.where((eb) => below(name(eb.ref('projects.fullPath')), path));
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
