/**
 * Removes many tags of a repository in short transactions with pauses between them, so that pulls and pushes are not kept waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Turn } from '../../concurrency/turn.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { Tag } from '../../oci/reference.ts';
import { ProjectProtection } from '../../rules/project-protection.ts';
import { TagPatterns } from '../../rules/tag-protection.ts';

export interface PushedTag {
  readonly name: Tag;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

/** On whose behalf, for the audit. */
export interface Remover {
  readonly id: number | undefined;
  readonly name: string;
  readonly address: string | undefined;
  /** What protection rules compare with what they ask for; 0: no role. */
  readonly level: number;
}

/** What goes is spread over so long, where that leaves no less and no more of a pause after each transaction than this. */
const spreadMs = 40_000;
const leastPauseFactor = 1;
const mostPauseFactor = 10;

/** @param removed in this transaction. @param total with it and those before it */
type NoteRemoved = (tx: Records, removed: number, total: number) => Promise<void>;

export class TagRemoval {
  readonly #database: Database;
  readonly #tagsAtOnce: number;

  /** @param tagsAtOnce in one transaction */
  constructor(database: Database, tagsAtOnce = 100) {
    this.#database = database;
    this.#tagsAtOnce = tagsAtOnce;
  }

  /**
   * Ends early after the signal. A tag that was pushed again since it was read stays, and one that a rule protects by then.
   * @param note what else belongs into a transaction
   * @returns how many were removed
   */
  async remove(
    repository: RepositoryRecord,
    going: readonly PushedTag[],
    remover: Remover,
    signal: AbortSignal,
    note: NoteRemoved,
  ): Promise<number> {
    const endsAt = performance.now() + spreadMs;
    let count = 0;
    for (let start = 0; start < going.length && !signal.aborted; start += this.#tagsAtOnce) {
      const startedAt = performance.now();
      const part = going.slice(start, start + this.#tagsAtOnce);
      const before = count;
      count += await this.#removePart(repository, part, remover, (tx, removed) =>
        note(tx, removed, before + removed),
      );
      const tookMs = performance.now() - startedAt;
      const partsLeft = (going.length - start) / this.#tagsAtOnce;
      const evenMs = (endsAt - startedAt) / partsLeft - tookMs;
      const pauseMs = Math.max(tookMs * leastPauseFactor, Math.min(tookMs * mostPauseFactor, evenMs));
      await sleep(pauseMs, undefined, { signal }).catch(() => undefined);
    }
    return count;
  }

  #removePart(
    { id: repositoryId }: RepositoryRecord,
    part: readonly PushedTag[],
    remover: Remover,
    note: (tx: Records, removed: number) => Promise<void>,
  ): Promise<number> {
    // Whatever is pushed to one of these names since then is another tag.
    const notAfter = Math.max(...part.map(({ updatedAt }) => updatedAt));
    return this.#database.transaction(async (tx) => {
      if (!(await tx.repositories.hold(repositoryId))) return 0;
      // It may have been renamed, and rules made, since it was decided what goes.
      const repository = await tx.repositories.find(repositoryId);
      const project = repository && (await tx.projects.find(repository.projectId));
      if (!project) return 0;
      const { name, projectId } = repository;
      const names = await withoutGuarded(tx, repository, part, remover.level);
      if (names.length === 0) return 0;
      const removed = await tx.tags.removeMany(repositoryId, names, notAfter, remover.name);
      if (removed.length === 0) return 0;
      const digests = removed.map(({ digest }) => digest);
      await tx.reviews.addManifests(repositoryId, digests, 'tag_delete');
      await note(tx, removed.length);
      await tx.auditEvents.add({
        actorId: remover.id,
        actorName: remover.name,
        address: remover.address,
        action: 'tag.delete_many',
        targetType: 'tag',
        targetId: name,
        details: { project_id: projectId, repository: name, tags: removed.map((tag) => tag.name) },
        projectPath: project.fullPath,
      });
      const deleted = { action: 'delete', projectId, repositoryId, repository: name } as const;
      await tx.webhookOutbox.add(
        ...removed.map((tag) => ({
          ...deleted,
          tag: tag.name,
          digest: tag.digest,
          actorName: remover.name,
        })),
      );
      return removed.length;
    });
  }
}

async function withoutGuarded(
  tx: Records,
  { name, projectId }: RepositoryRecord,
  part: readonly PushedTag[],
  level: number,
): Promise<readonly Tag[]> {
  const turn = new Turn();
  const protection = await findProtection(tx, projectId, level);
  const names: Tag[] = [];
  for (const tag of part) {
    if (!protection?.findTagGuard(name, tag.name)) names.push(tag.name);
    if (turn.isOver) await turn.next();
  }
  return names;
}

/** As it is now, for a role of this level; undefined where the project is gone. */
export async function findProtection(
  {
    projects,
    repositoryProtectionRules,
    tagProtectionRules,
  }: Pick<Records, 'projects' | 'repositoryProtectionRules' | 'tagProtectionRules'>,
  projectId: number,
  level: number,
): Promise<ProjectProtection | undefined> {
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
