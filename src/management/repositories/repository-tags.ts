/** Tags of hosted repositories: what there is, what they name, and the end of one. */
import { deleteTag } from '../../hosted/changes/deletions.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Direction, Page, Paged } from '../../metadata/db/page.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { ListedTag, TagOrder, TagPageRequest } from '../../metadata/hosted/tag-lists.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTag } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { getRepository, getWriteTarget, type RepositoryReference } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';

export interface TagSearch {
  /** Part of the name. */
  readonly search: string | undefined;
  readonly by: TagOrder;
  readonly direction: Direction;
}

/** What the configs of images say. */
export interface ImageSummaries {
  summarize(repositoryId: number, digests: readonly Digest[]): Promise<ReadonlyMap<Digest, ImageSummary>>;
}

export interface RepositoryTagServiceOptions {
  readonly database: Database;
  readonly images: ImageSummaries;
  readonly rules: ChangeRules;
}

export class RepositoryTagService {
  readonly #options: RepositoryTagServiceOptions;

  constructor(options: RepositoryTagServiceOptions) {
    this.#options = options;
  }

  /** @throws RefusedError not-found, forbidden */
  async list(
    actor: Actor,
    reference: RepositoryReference,
    { search, ...order }: TagSearch,
    page: Page,
  ): Promise<Paged<ListedTag> & { readonly repository: ListedRepository }> {
    const { database } = this.#options;
    const { repository } = await getRepository(database, actor, reference, 'pull');
    return { ...(await database.tagLists.list(repository.id, search, order, page)), repository };
  }

  /** As {@link list}, by name, after another one. @throws RefusedError not-found, forbidden */
  async listAfter(
    actor: Actor,
    reference: RepositoryReference,
    search: string | undefined,
    page: TagPageRequest,
  ): Promise<{
    readonly tags: readonly ListedTag[];
    readonly hasMore: boolean;
    readonly repository: ListedRepository;
  }> {
    const { database } = this.#options;
    const { repository } = await getRepository(database, actor, reference, 'pull');
    return { ...(await database.tagLists.listAfter(repository.id, search, page)), repository };
  }

  /** @throws RefusedError not-found, forbidden */
  async get(
    actor: Actor,
    reference: RepositoryReference,
    name: string,
  ): Promise<{
    readonly tag: ListedTag;
    /** Undefined where nothing can be said. */
    readonly image: ImageSummary | undefined;
    readonly repository: ListedRepository;
  }> {
    const { database, images } = this.#options;
    const { repository } = await getRepository(database, actor, reference, 'pull');
    const tag = await database.tagLists.find(repository.id, name);
    if (!tag) throw new RefusedError('not-found', 'Tag');
    const summaries = await images.summarize(repository.id, [tag.digest]);
    return { tag, image: summaries.get(tag.digest), repository };
  }

  /** Only the tag is removed; its manifest is put up for review. @throws RefusedError not-found, forbidden, bad-request, conflict */
  async remove(actor: Actor, reference: RepositoryReference, name: string): Promise<void> {
    const { database, rules } = this.#options;
    await runChange(database, async (tx) => {
      const target = await getWriteTarget(tx, actor, reference, 'delete');
      if (!isTag(name)) throw new RefusedError('not-found', 'Tag');
      await deleteTag(tx, rules, target, name);
    });
  }
}
