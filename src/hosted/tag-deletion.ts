/**
 * Deletes the tags that requests for it ask for: a job. What goes is decided once, as of the request; then the tags go in short
 * transactions with pauses between them, so that pulls and pushes are not kept waiting. A process that dies leaves the rest to the next:
 * what was decided is remembered by the newest tag that goes.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Log } from '../log.ts';
import type { Database } from '../metadata/database.ts';
import type { RepositoryRecord } from '../metadata/repositories.ts';
import type { TagCut, TagDeletion } from '../metadata/tag-deletions.ts';
import type { Tag } from '../oci/reference.ts';
import { ProjectProtection } from '../rules/project-protection.ts';
import { parseTagCriteria, selectInParts } from '../rules/select-in-parts.ts';
import { TagPatterns } from '../rules/tag-protection.ts';

export interface TagDeletionOptions {
  readonly database: Database;
  readonly log: Log;
  /** In one transaction. */
  readonly tagsAtOnce?: number;
}

interface PushedTag {
  readonly name: Tag;
  readonly updatedAt: number;
}

/** How many pauses as long as the transaction follow each. */
const pauseFactor = 1;
const leastPauseMs = 5;

export class TagDeletionJob {
  readonly name = 'tags.delete';
  readonly everyMs = 60_000;
  readonly #options: TagDeletionOptions;
  readonly #tagsAtOnce: number;

  constructor(options: TagDeletionOptions) {
    this.#options = options;
    this.#tagsAtOnce = options.tagsAtOnce ?? 100;
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
    let tags = 0;
    for (let start = 0; start < going.length && !signal.aborted; start += this.#tagsAtOnce) {
      const startedAt = performance.now();
      tags += await this.#remove(deletion, repository, going.slice(start, start + this.#tagsAtOnce));
      const pauseMs = Math.max(leastPauseMs, (performance.now() - startedAt) * pauseFactor);
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
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
    const protection = await this.#findProtection(repository, actor.level);
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

  /** As it is now; undefined where the project is gone. */
  async #findProtection(
    { projectId }: RepositoryRecord,
    level: number,
  ): Promise<ProjectProtection | undefined> {
    const { projects, repositoryProtectionRules, tagProtectionRules } = this.#options.database;
    const project = await projects.find(projectId);
    if (!project) return undefined;
    return new ProjectProtection({
      projectPath: project.fullPath,
      repositoryRules: await repositoryProtectionRules.list(projectId),
      tagRules: await tagProtectionRules.list(projectId),
      patterns: new TagPatterns(),
      level,
    });
  }

  async #remove(
    { id, repositoryId, actor }: TagDeletion,
    { name, projectId }: RepositoryRecord,
    part: readonly PushedTag[],
  ): Promise<number> {
    // Whatever is pushed to one of these names since then is another tag.
    const notAfter = Math.max(...part.map(({ updatedAt }) => updatedAt));
    return this.#options.database.transaction(async (tx) => {
      const project = await tx.projects.find(projectId);
      if (!project || !(await tx.repositories.hold(repositoryId))) return 0;
      const names = part.map((tag) => tag.name);
      const removed = await tx.tags.removeMany(repositoryId, names, notAfter);
      if (removed.length === 0) return 0;
      const digests = removed.map(({ digest }) => digest);
      await tx.reviews.addManifests(repositoryId, digests, 'tag_delete');
      await tx.tagDeletions.noteDeleted(id, removed.length);
      await tx.auditEvents.add({
        actorId: actor.id,
        actorName: actor.name,
        address: actor.address,
        action: 'tag.delete_many',
        targetType: 'tag',
        targetId: name,
        details: {
          project_id: projectId,
          repository: name,
          tags: removed.map((tag) => tag.name),
        },
        groupPath: project.fullPath.slice(0, project.fullPath.lastIndexOf('/')),
        projectPath: project.fullPath,
      });
      return removed.length;
    });
  }
}

/** Whether it comes at the cut or after it: newest first, then by name. */
function isFrom(cut: TagCut, { name, updatedAt }: PushedTag): boolean {
  return updatedAt < cut.updatedAt || (updatedAt === cut.updatedAt && name >= cut.name);
}
