/** Deletes many tags of a repository at once: asked for here, done in the background. */

import { protectionOf } from '../../hosted/changes/protection.ts';
import type { ChangeRules } from '../../hosted/hosted-options.ts';
import { decideNamed, deleteNamed } from '../../hosted/tags/named-tag-deletion.ts';
import { requestTagDeletion } from '../../hosted/tags/tag-deletion.ts';
import type { Database } from '../../metadata/db/database.ts';
import { parseTagCriteria, selectInParts, type TagCriteriaTexts } from '../../rules/select-in-parts.ts';
import type { TagDecision } from '../../rules/tag-selection.ts';
import type { Actor } from '../acting/actor.ts';
import { runChange } from '../acting/changes.ts';
import { getWriteTarget, type RepositoryReference } from '../acting/find-repository.ts';

export interface TagDeletionServiceOptions {
  readonly database: Database;
  /** Runs a task soon. */
  readonly wake: (task: string) => void;
  readonly rules: ChangeRules;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export type DecidedTag = TagDecision<{ readonly name: string; readonly updatedAt: number }>;

export class TagDeletionService {
  readonly #options: TagDeletionServiceOptions;

  constructor(options: TagDeletionServiceOptions) {
    this.#options = options;
  }

  /**
   * Deletes what matches now: tags that are pushed later stay.
   * @param criteria whose expressions are good ones
   * @throws RefusedError not-found, forbidden, repeated within an hour, bad-request, conflict
   */
  async request(actor: Actor, reference: RepositoryReference, criteria: TagCriteriaTexts): Promise<void> {
    const { database, wake, rules, now } = this.#options;
    await runChange(database, async (tx) => {
      const target = await getWriteTarget(tx, actor, reference, 'delete');
      await requestTagDeletion(tx, rules, target, criteria, now());
    });
    wake('tags.delete');
  }

  /** Deletes these tags at once. What became of each that there was. @throws RefusedError not-found, forbidden, bad-request, conflict */
  async removeNamed(
    actor: Actor,
    reference: RepositoryReference,
    names: readonly string[],
  ): Promise<readonly DecidedTag[]> {
    const { database, rules } = this.#options;
    return runChange(database, async (tx) =>
      deleteNamed(tx, rules, await getWriteTarget(tx, actor, reference, 'delete'), names),
    );
  }

  /** What {@link removeNamed} would do now. @throws RefusedError not-found, forbidden */
  async previewNamed(
    actor: Actor,
    reference: RepositoryReference,
    names: readonly string[],
  ): Promise<readonly DecidedTag[]> {
    const { database, rules } = this.#options;
    const { repository, ...target } = await getWriteTarget(database, actor, reference, 'delete');
    return decideNamed(database, rules, target, repository.id, names);
  }

  /** What {@link request} would do now. Changes nothing, and may be asked for at any time. @throws RefusedError not-found, forbidden */
  async preview(
    actor: Actor,
    reference: RepositoryReference,
    criteria: TagCriteriaTexts,
  ): Promise<readonly DecidedTag[]> {
    const { database, rules, now } = this.#options;
    const { repository, ...target } = await getWriteTarget(database, actor, reference, 'delete');
    const level = target.writer.protectionLevel;
    const protection = await protectionOf(database, target, level, rules.tagPatterns);
    const asOf = now();
    return selectInParts(
      database.tags.readPushed(repository.id, asOf),
      parseTagCriteria(criteria, (tag) => protection.findTagGuard(target.name, tag)),
      asOf,
    );
  }
}
