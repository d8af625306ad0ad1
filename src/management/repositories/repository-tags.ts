/** Tags of hosted repositories: what there is, what they name, where else that is to be, and the end of one. */
import { deleteTag } from '../../hosted/changes/deletions.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import type { HostedRepositories } from '../../hosted/hosted-repositories.ts';
import type { CopiedImage } from '../../hosted/tags/image-copy.ts';
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Direction, Page, Paged } from '../../metadata/db/page.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { ListedTag, TagOrder, TagPageRequest } from '../../metadata/hosted/tag-lists.ts';
import type { Project } from '../../metadata/namespaces/projects.ts';
import type { Digest } from '../../oci/digest.ts';
import { isRepositoryName, isTag } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { pushRefusalOf, runChange } from '../acting/changes.ts';
import {
  getRepository,
  getWriteTarget,
  protectionLevelIn,
  type RepositoryReference,
  writerOf,
} from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

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

/** Where an image is copied to; what is undefined is as at the source. */
export interface TagCopy {
  /** Full name of the repository. */
  readonly repository: string | undefined;
  readonly tag: string | undefined;
  /** Whether signatures and whatever else is attached to the image come along. */
  readonly withReferrers: boolean;
}

export interface RepositoryTagServiceOptions {
  readonly database: Database;
  readonly images: ImageSummaries;
  readonly copies: Pick<HostedRepositories, 'copy'>;
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

  /**
   * Whoever may pull from the one and push to the other copies an image without moving its bytes, or gives it another tag.
   * @throws RefusedError not-found, forbidden, bad-request, conflict for what a push would be refused for
   */
  async copy(
    actor: Actor,
    reference: RepositoryReference,
    name: string,
    { repository: to, tag = name, withReferrers }: TagCopy,
  ): Promise<CopiedImage & { readonly project: Project; readonly repository: string; readonly tag: string }> {
    const { database, copies } = this.#options;
    const source = await getRepository(database, actor, reference, 'pull');
    if (!isTag(name)) throw new RefusedError('not-found', 'Tag');
    const { name: from } = source.repository;
    const repository = to ?? from;
    if (!isTag(tag)) throw new RefusedError('bad-request', `'${tag}' is no tag`);
    if (!isRepositoryName(from) || !isRepositoryName(repository))
      throw new RefusedError('bad-request', `'${repository}' is no name of a repository`);
    if (repository === from && tag === name)
      throw new RefusedError('bad-request', 'say which other repository or tag it is to have');
    const project = await this.#getProjectOf(actor, repository);
    const writer = writerOf(actor, await protectionLevelIn(database, project, actor));
    const image = { repositoryId: source.repository.id, repository: from, tag: name, withReferrers };
    try {
      const copied = await copies.copy(image, { name: repository, tag }, writer);
      return { ...copied, project, repository, tag };
    } catch (error) {
      throw pushRefusalOf(error);
    }
  }

  /** The project that a name belongs to, to which the actor may push. @throws RefusedError not-found, forbidden */
  async #getProjectOf(actor: Actor, repository: string): Promise<Project> {
    const { database } = this.#options;
    const owner = await database.projects.findOwner(repository);
    if (!owner) throw new RefusedError('not-found', 'Project');
    return new Rights().getProjectFor(database, actor, String(owner.id), 'push');
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
