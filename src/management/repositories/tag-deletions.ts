/** Deletes many tags of a repository at once: asked for here, done in the background. */
import { nameOf, userIdOf } from '../../auth/rights/identity.ts';
import type { Database } from '../../metadata/db/database.ts';
import { parseTagCriteria, selectInParts, type TagCriteriaTexts } from '../../rules/select-in-parts.ts';
import type { TagDecision } from '../../rules/tag-selection.ts';
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
import { Protection, protectionLevelIn } from '../protection/protection.ts';

export interface TagDeletionServiceOptions {
  readonly database: Database;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
  readonly deleteEnabled: boolean;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type DecidedTag = TagDecision<{ readonly name: string; readonly updatedAt: number }>;

/** GitLab's words. */
const alreadyMade =
  'This request has already been made. You can run this at most once an hour for a given container repository';
const periodMs = 60 * 60 * 1000;

export class TagDeletionService {
  readonly #options: TagDeletionServiceOptions;
  readonly #protection = new Protection();

  constructor(options: TagDeletionServiceOptions) {
    this.#options = options;
  }

  /**
   * As of now: what is pushed later stays.
   * @param criteria whose expressions are good ones
   * @throws RefusedError not-found, forbidden, repeated within an hour, bad-request, conflict
   */
  async request(actor: Actor, reference: RepositoryReference, criteria: TagCriteriaTexts): Promise<void> {
    const { database, wake, deleteEnabled, now } = this.#options;
    await runChange(database, async (tx) => {
      const { project, repository } = await getRepository(tx, actor, reference, 'delete');
      demandDeleting(deleteEnabled);
      demandLasting(repository);
      await tx.repositories.lock(repository.id);
      const last = await tx.tagDeletions.findLastRequest(repository.id);
      if (last !== undefined && last > now() - periodMs) throw new RefusedError('repeated', alreadyMade);
      const { identity, address } = actor;
      const name = nameOf(identity) ?? identity.kind;
      await tx.tagDeletions.create({
        repositoryId: repository.id,
        criteria,
        actor: { id: userIdOf(identity), name, address, level: await protectionLevelIn(tx, project, actor) },
      });
      await recordChange(tx, actor, {
        action: 'tag.request_delete_many',
        targetId: repository.name,
        details: {
          project_id: project.id,
          repository: repository.name,
          name_regex_delete: criteria.nameRegexDelete,
          name_regex_keep: criteria.nameRegexKeep,
          keep_n: criteria.keepN,
          older_than_seconds: criteria.olderThanMs === undefined ? undefined : criteria.olderThanMs / 1000,
        },
        ...auditPlaceOf({ kind: 'project', fullPath: project.fullPath }),
      });
    });
    wake('tags.delete');
  }

  /** What {@link request} would do now. Changes nothing, and may be asked for at any time. @throws RefusedError not-found, forbidden */
  async preview(
    actor: Actor,
    reference: RepositoryReference,
    criteria: TagCriteriaTexts,
  ): Promise<readonly DecidedTag[]> {
    const { database, now } = this.#options;
    const { project, repository } = await getRepository(database, actor, reference, 'delete');
    const protection = await this.#protection.of(database, project, actor);
    const asOf = now();
    return selectInParts(
      database.tags.readPushed(repository.id, asOf),
      parseTagCriteria(criteria, (tag) => protection.findTagGuard(repository.name, tag)),
      asOf,
    );
  }
}
