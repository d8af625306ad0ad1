/** Tags that were deleted, by people or by a cleanup policy, and can be had back until the collector has taken their manifests. */
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { DeletedTag } from '../../metadata/hosted/deleted-tags.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { demandLasting, getRepository, type RepositoryReference } from '../acting/find-repository.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { auditPlaceOf } from '../namespaces/places.ts';
import { Protection } from '../protection/protection.ts';
import { recordEvent } from '../webhooks/events.ts';

export class DeletedTagService {
  readonly #database: Database;
  readonly #maxTags: number;
  readonly #protection = new Protection();

  /** @param maxTags that a repository may have */
  constructor({ database, maxTags }: { readonly database: Database; readonly maxTags: number }) {
    this.#database = database;
    this.#maxTags = maxTags;
  }

  /** Newest first. @throws RefusedError not-found, forbidden */
  async list(
    actor: Actor,
    reference: RepositoryReference,
    search: string | undefined,
    page: Page,
  ): Promise<Paged<DeletedTag>> {
    const { repository } = await getRepository(this.#database, actor, reference, 'pull');
    return this.#database.deletedTags.list(repository.id, search, page);
  }

  /** For those who may push the tag. @throws RefusedError not-found, forbidden, conflict */
  async restore(actor: Actor, reference: RepositoryReference, id: number): Promise<DeletedTag> {
    return runChange(this.#database, async (tx) => {
      const { project, repository } = await getRepository(tx, actor, reference, 'push');
      demandLasting(repository);
      const isThere = await tx.repositories.hold(repository.id);
      const deleted = isThere ? await tx.deletedTags.find(id) : undefined;
      if (deleted?.repositoryId !== repository.id) throw new RefusedError('not-found', 'Deleted Tag');
      const { name, digest } = deleted;
      if (await tx.tags.find(repository.id, name))
        throw new RefusedError('conflict', `409 Conflict - there is a tag ${name} again: delete it first`);
      if ((await tx.tags.count(repository.id)) >= this.#maxTags)
        throw new RefusedError('conflict', `409 Conflict - a repository may have ${this.#maxTags} tags`);
      await this.#protection.demandTagCreatable(tx, project, actor, repository, name);
      await tx.tags.put(repository.id, name, digest);
      await tx.deletedTags.forget(id);
      await recordChange(tx, actor, {
        action: 'tag.restore',
        targetId: `${repository.name}:${name}`,
        details: { project_id: project.id, repository: repository.name, digest },
        ...auditPlaceOf({ kind: 'project', fullPath: project.fullPath }),
      });
      const mediaType = (await tx.tagLists.find(repository.id, name))?.mediaType;
      await recordEvent(tx, actor, { action: 'push', mediaType, tag: name, digest }, repository);
      return deleted;
    });
  }
}
