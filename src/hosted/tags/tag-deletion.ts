/**
 * Deletes the tags that requests for it ask for: a task. What goes is decided once, as of the request. A process that dies leaves the rest
 * to the next: what was decided is remembered by the newest tag that goes.
 */

import type { Database } from '../../metadata/db/database.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { TagCut, TagDeletion } from '../../metadata/hosted/tag-deletions.ts';
import type { Log } from '../../observe/log.ts';
import { parseTagCriteria, selectInParts } from '../../rules/select-in-parts.ts';
import { findProtection, type PushedTag, TagRemoval } from './tag-removal.ts';

export interface TagDeletionOptions {
  readonly database: Database;
  readonly log: Log;
  /** In one transaction. */
  readonly tagsAtOnce?: number;
}

export class TagDeletionTask {
  readonly name = 'tags.delete';
  readonly everyMs = 60_000;
  readonly #options: TagDeletionOptions;
  readonly #removal: TagRemoval;

  constructor(options: TagDeletionOptions) {
    this.#options = options;
    this.#removal = new TagRemoval(options.database, options.tagsAtOnce);
  }

  /** The oldest request. @throws what the database throws */
  async run(
    signal: AbortSignal,
  ): Promise<{ readonly result: { readonly tags: number }; readonly again?: boolean }> {
    const { database, log } = this.#options;
    const deletion = await database.tagDeletions.findNext();
    if (!deletion) return { result: { tags: 0 } };
    const repository = await database.repositories.find(deletion.repositoryId);
    if (!repository) return { result: { tags: 0 }, again: true };
    const going = await this.#decide(deletion, repository);
    const tags = await this.#removal.remove(repository, going, deletion.actor, signal, (tx, count) =>
      tx.tagDeletions.noteDeleted(deletion.id, count),
    );
    if (signal.aborted) return { result: { tags }, again: true };
    await database.tagDeletions.finish(deletion.id);
    const deleted = deletion.deletedCount + tags;
    log.info({ repository: repository.name, tags: deleted }, 'the tags that were asked for were deleted');
    return { result: { tags }, again: true };
  }

  /** Newest first. */
  async #decide(
    { id, repositoryId, criteria, requestedAt, cut, actor }: TagDeletion,
    repository: RepositoryRecord,
  ): Promise<readonly PushedTag[]> {
    const { tags, tagDeletions } = this.#options.database;
    const protection = await findProtection(this.#options.database, repository.projectId, actor.level);
    // Below the cut there is none that keep_n kept, and what was pushed since the request is none of its business.
    const decided = cut ? { ...criteria, keepN: 0 } : criteria;
    const decisions = await selectInParts(
      tags.readPushed(repositoryId, cut?.updatedAt ?? requestedAt),
      parseTagCriteria(decided, (tag) => protection?.findTagGuard(repository.name, tag)),
      requestedAt,
    );
    const going = decisions.filter(({ keptBy }) => keptBy === undefined).map(({ tag }) => tag);
    if (cut) return going.filter((tag) => isFrom(cut, tag));
    const newest = going[0];
    if (newest) await tagDeletions.decide(id, newest);
    return going;
  }
}

/** Whether it comes at the cut or after it: newest first, then by name. */
function isFrom(cut: TagCut, { name, updatedAt }: PushedTag): boolean {
  return updatedAt < cut.updatedAt || (updatedAt === cut.updatedAt && name >= cut.name);
}
