/** Hosted repositories: what there is, how much it is, and its end. */
import { type Action, leastPullLevel } from '../../auth/rights/access.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import { scheduleRepositoryDeletion } from '../../hosted/repositories/repository-deletion.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Direction, Page, Paged } from '../../metadata/db/page.ts';
import type {
  ListedRepository,
  RepositoryFilter,
  RepositoryOrder,
} from '../../metadata/hosted/repository-lists.ts';
import type { Viewer } from '../../metadata/namespaces/repository-visibility.ts';
import { type Actor, userOf } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { getWriteTarget, type RepositoryReference } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export interface RepositorySearch {
  /** Part of the name. */
  readonly search: string | undefined;
  readonly by: RepositoryOrder;
  readonly direction: Direction;
}

/** What else is to be said of each. */
export interface RepositoryExtras {
  readonly tags: boolean;
  readonly tagsCount: boolean;
}

export interface ShownRepository extends Omit<ListedRepository, 'tagsCount'> {
  /** Its tags by name, where they were asked for. */
  readonly tags: readonly string[] | undefined;
  /** Where it was asked for. */
  readonly tagsCount: number | undefined;
}

export interface RepositoryServiceOptions {
  readonly database: Database;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
  readonly rules: ChangeRules;
  /** How many tags one answer lists, of all its repositories together. */
  readonly maxTags?: number;
}

export class RepositoryService {
  readonly #options: RepositoryServiceOptions;
  readonly #rights = new Rights();

  constructor(options: RepositoryServiceOptions) {
    this.#options = options;
  }

  /** @param reference number or full path. @throws RefusedError not-found, forbidden, bad-request for too many tags */
  async listOfProject(
    actor: Actor,
    reference: string,
    { search, ...order }: RepositorySearch,
    extras: RepositoryExtras,
    page: Page,
  ): Promise<Paged<ShownRepository>> {
    const project = await this.#rights.getProjectFor(this.#options.database, actor, reference, 'pull');
    return this.#list({ projectId: project.id, search }, order, extras, page);
  }

  /**
   * The repositories in a group and below it that the actor may pull from.
   * @param reference number or full path
   * @throws RefusedError not-found
   */
  async listOfGroup(
    actor: Actor,
    reference: string,
    { search, ...order }: RepositorySearch,
    page: Page,
  ): Promise<Paged<ShownRepository>> {
    const group = await this.#rights.getGroup(this.#options.database, actor, reference, 'see');
    const filter = { below: group.fullPath, search, visibleTo: viewerOf(actor) };
    return this.#list(filter, order, { tags: false, tagsCount: false }, page);
  }

  /**
   * @returns with whether the actor may delete it, and its size where it was asked for
   * @throws RefusedError not-found (also where they may not know of it), forbidden, bad-request for too many tags
   */
  async get(
    actor: Actor,
    id: number,
    { size, ...extras }: RepositoryExtras & { readonly size: boolean },
  ): Promise<{
    readonly repository: ShownRepository;
    readonly mayDelete: boolean;
    readonly bytes: number | undefined;
  }> {
    const { database } = this.#options;
    const found = await database.repositoryLists.find(id);
    if (!found) throw new RefusedError('not-found');
    await this.#demand(actor, found, 'pull');
    const [repository = { ...found, tags: undefined, tagsCount: undefined }] = await this.#complete(
      [found],
      extras,
    );
    return {
      repository,
      mayDelete: await this.#may(actor, found, 'delete'),
      bytes: size ? await this.#measure(found) : undefined,
    };
  }

  /**
   * The repository is deleted in the background: first its status says so, then it is gone. Asking again changes nothing.
   * @throws RefusedError not-found, forbidden (also where it is protected), bad-request where nothing may be deleted
   */
  async remove(actor: Actor, reference: RepositoryReference): Promise<void> {
    const { database, wake, rules } = this.#options;
    await runChange(database, async (tx) =>
      scheduleRepositoryDeletion(tx, rules, await getWriteTarget(tx, actor, reference, 'delete')),
    );
    wake('repositories.delete');
  }

  async #list(
    filter: RepositoryFilter,
    order: Omit<RepositorySearch, 'search'>,
    extras: RepositoryExtras,
    page: Page,
  ): Promise<Paged<ShownRepository>> {
    const found = await this.#options.database.repositoryLists.list(filter, order, page);
    return { ...found, records: await this.#complete(found.records, extras) };
  }

  async #complete(
    repositories: readonly ListedRepository[],
    { tags: withTags, tagsCount: withCount }: RepositoryExtras,
  ): Promise<readonly ShownRepository[]> {
    const { maxTags = 20_000, database } = this.#options;
    const { repositoryLists } = database;
    const total = repositories.reduce((sum, { tagsCount }) => sum + tagsCount, 0);
    if (withTags && total > maxTags)
      throw new RefusedError(
        'bad-request',
        `${total} tags are more than the ${maxTags} that one answer has: list those of one repository`,
      );
    const shown: ShownRepository[] = [];
    for (const repository of repositories)
      shown.push({
        ...repository,
        tags: withTags ? await repositoryLists.listTagNames(repository.id) : undefined,
        tagsCount: withCount ? repository.tagsCount : undefined,
      });
    return shown;
  }

  /** It is measured anew only where it has changed: the work grows with the tags. */
  async #measure({ id, sizeBytes, isSizeCurrent }: ListedRepository): Promise<number> {
    if (isSizeCurrent && sizeBytes !== undefined) return sizeBytes;
    return this.#options.database.repositorySizes.measure(id);
  }

  /** A repository that is hidden looks like one that is not there. */
  async #demand(actor: Actor, { projectId }: ListedRepository, action: Action): Promise<void> {
    try {
      await this.#rights.getProjectFor(this.#options.database, actor, String(projectId), action);
    } catch (error) {
      const isHidden = error instanceof RefusedError && error.kind === 'not-found';
      throw isHidden ? new RefusedError('not-found', undefined, { cause: error }) : error;
    }
  }

  async #may(actor: Actor, repository: ListedRepository, action: Action): Promise<boolean> {
    try {
      await this.#demand(actor, repository, action);
      return true;
    } catch (error) {
      if (error instanceof RefusedError && error.kind === 'forbidden') return false;
      throw error;
    }
  }
}

/** Whom the list is for; undefined: whoever sees everything. @throws RefusedError unauthorized */
function viewerOf(actor: Actor): Viewer | undefined {
  if (actor.identity.kind === 'anonymous')
    return { userId: undefined, leastLevel: leastPullLevel, isOutsider: true };
  const { isAdmin, userId } = userOf(actor);
  return isAdmin ? undefined : { userId, leastLevel: leastPullLevel };
}
