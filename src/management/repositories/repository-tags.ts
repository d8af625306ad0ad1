/** Tags of hosted repositories: what there is, what they name, and the end of one. */
import { nameOf } from '../../auth/rights/identity.ts';
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Direction, Page, Paged } from '../../metadata/db/page.ts';
import type { ListedRepository } from '../../metadata/hosted/repository-lists.ts';
import type { ListedTag, TagOrder, TagPageRequest } from '../../metadata/hosted/tag-lists.ts';
import type { Digest } from '../../oci/digest.ts';
import { isTag } from '../../oci/reference.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import {
  demandDeleting,
  demandLasting,
  getRepository,
  type RepositoryReference,
} from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { auditPlaceOf } from '../namespaces/places.ts';
import { Protection } from '../protection/protection.ts';
import { recordEvent } from '../webhooks/events.ts';

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
  readonly deleteEnabled: boolean;
}

export class RepositoryTagService {
  readonly #options: RepositoryTagServiceOptions;
  readonly #protection = new Protection();

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

  /** By name, after another one. @throws RefusedError not-found, forbidden */
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

  /** Only the tag: its manifest is put up for review. @throws RefusedError not-found, forbidden, bad-request, conflict */
  async remove(actor: Actor, reference: RepositoryReference, name: string): Promise<void> {
    const { database, deleteEnabled } = this.#options;
    const remover = nameOf(actor.identity) ?? actor.identity.kind;
    await runChange(database, async (tx) => {
      const { project, repository } = await getRepository(tx, actor, reference, 'delete');
      demandDeleting(deleteEnabled);
      demandLasting(repository);
      if (!isTag(name)) throw new RefusedError('not-found', 'Tag');
      const isThere = await tx.repositories.hold(repository.id);
      const digest = isThere ? await tx.tags.remove(repository.id, name, remover) : undefined;
      if (digest === undefined) throw new RefusedError('not-found', 'Tag');
      await this.#protection.demandTagDeletable(tx, project, actor, repository, name);
      await tx.reviews.addManifests(repository.id, [digest], 'tag_delete');
      await recordChange(tx, actor, {
        action: 'tag.delete',
        targetId: `${repository.name}:${name}`,
        details: { project_id: project.id, repository: repository.name, digest },
        ...auditPlaceOf({ kind: 'project', fullPath: project.fullPath }),
      });
      await recordEvent(tx, actor, { action: 'delete', tag: name, digest }, repository);
    });
  }
}
