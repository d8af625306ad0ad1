/** Tags that were deleted, by people or by a cleanup policy, and can be had back until the collector has taken their manifests. */
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import { restoreTag } from '../../hosted/tags/tag-restoration.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { DeletedTag } from '../../metadata/hosted/deleted-tags.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { getRepository, getWriteTarget, type RepositoryReference } from '../acting/find-repository.ts';

export class DeletedTagService {
  readonly #database: Database;
  readonly #rules: ChangeRules;

  constructor({ database, rules }: { readonly database: Database; readonly rules: ChangeRules }) {
    this.#database = database;
    this.#rules = rules;
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

  /** Whoever may push the tag may restore it. @throws RefusedError not-found, forbidden, conflict */
  async restore(actor: Actor, reference: RepositoryReference, id: number): Promise<DeletedTag> {
    return runChange(this.#database, async (tx) =>
      restoreTag(tx, this.#rules, await getWriteTarget(tx, actor, reference, 'push'), id),
    );
  }
}
