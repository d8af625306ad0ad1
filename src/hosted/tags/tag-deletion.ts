/**
 * Deletes many tags of a repository at once: someone asks for it, and a task does it. What goes is decided once, as of the request. A
 * process that dies leaves the rest to the next: what was decided is remembered by the newest tag that goes.
 */
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { TagCut, TagDeletion } from '../../metadata/hosted/tag-deletions.ts';
import type { Log } from '../../observe/log.ts';
import { parseTagCriteria, selectInParts, type TagCriteriaTexts } from '../../rules/select-in-parts.ts';
import { demandDeleting } from '../changes/deletions.ts';
import { findProtection } from '../changes/protection.ts';
import { HostedRefusal, repositoryUnknown } from '../changes/refusal.ts';
import { recordWrite } from '../changes/write-records.ts';
import { demandLasting, type WriteTarget } from '../changes/write-target.ts';
import type { ChangeRules } from '../hosted-options.ts';
import { type PushedTag, TagRemoval, type TagRemovalOptions } from './tag-removal.ts';

export interface TagDeletionOptions extends TagRemovalOptions {
  readonly log: Log;
}

/** How much time lies between two requests for one repository. */
const periodMs = 60 * 60 * 1000;

export class TagDeletionTask {
  readonly name = 'tags.delete';
  readonly everyMs = 60_000;
  readonly #options: TagDeletionOptions;
  readonly #removal: TagRemoval;

  constructor(options: TagDeletionOptions) {
    this.#options = options;
    this.#removal = new TagRemoval(options);
  }

  /** Does what the oldest request asks for. @throws what the database throws */
  async run(
    signal: AbortSignal,
  ): Promise<{ readonly result: { readonly tags: number }; readonly again?: boolean }> {
    const { database, log } = this.#options;
    const deletion = await database.tagDeletions.findNext();
    if (!deletion) return { result: { tags: 0 } };
    const repository = await database.repositories.find(deletion.repositoryId);
    if (!repository) return { result: { tags: 0 }, again: true };
    const going = await this.#decide(deletion, repository);
    const { id: userId, level: protectionLevel, ...actor } = deletion.actor;
    const remover = { ...actor, userId, protectionLevel };
    const tags = await this.#removal.remove(repository, going, remover, signal, (tx, count) =>
      tx.tagDeletions.noteDeleted(deletion.id, count),
    );
    if (signal.aborted) return { result: { tags }, again: true };
    await database.tagDeletions.finish(deletion.id);
    log.info(
      { repository: repository.name, tags: deletion.deletedCount + tags },
      'the tags that were asked for were deleted',
    );
    return { result: { tags }, again: true };
  }

  /** The tags that go, newest first. */
  async #decide(
    { id, repositoryId, criteria, requestedAt, cut, actor }: TagDeletion,
    repository: RepositoryRecord,
  ): Promise<readonly PushedTag[]> {
    const { database, tagPatterns } = this.#options;
    const { tags, tagDeletions } = database;
    const protection = await findProtection(database, repository.projectId, actor.level, tagPatterns);
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

/**
 * Asks for a deletion of the tags that match now: what is pushed later stays. Part of a transaction.
 * @param criteria whose expressions were checked
 * @param now epoch milliseconds
 * @throws HostedRefusal asked-again within an hour, deleting-off, being-deleted, repository-unknown
 */
export async function requestTagDeletion(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
  criteria: TagCriteriaTexts,
  now: number,
): Promise<void> {
  demandDeleting(rules);
  const repository = await tx.repositories.findByName(target.name);
  demandLasting(repository);
  if (!repository || !(await tx.repositories.lock(repository.id))) throw repositoryUnknown(target.name);
  const last = (await tx.tagDeletions.findLastRequest(repository.id)) ?? 0;
  if (last > now - periodMs)
    throw new HostedRefusal('asked-again', `tags of ${target.name} were deleted so within the last hour`);
  const { userId: id, name, address, protectionLevel: level } = target.writer;
  await tx.tagDeletions.create({
    repositoryId: repository.id,
    criteria,
    actor: { id, name, address, level },
  });
  const { olderThanMs, ...asked } = criteria;
  await recordWrite(tx, target, 'tag.request_delete_many', undefined, {
    ...asked,
    olderThanSeconds: olderThanMs === undefined ? undefined : olderThanMs / 1000,
  });
}

/** Whether the tag is the one of the cut, or comes after it: newest first, then by name. @param tag that is no newer than the cut */
function isFrom(cut: TagCut, tag: PushedTag): boolean {
  return tag.updatedAt < cut.updatedAt || tag.name >= cut.name;
}
