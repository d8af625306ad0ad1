/**
 * Removes many tags of a repository in short transactions with pauses between them, so that pulls and pushes are not kept waiting.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Turn } from '../../concurrency/turn.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { Tag } from '../../oci/reference.ts';
import type { TagPatterns } from '../../rules/tag-protection.ts';
import { protectionOf } from '../changes/protection.ts';
import { recordEvents, recordWrite } from '../changes/write-records.ts';
import type { Changer, WriteTarget } from '../changes/write-target.ts';

export interface PushedTag {
  readonly name: Tag;
  /** Epoch milliseconds. */
  readonly updatedAt: number;
}

/** Pauses spread the removal over so long, as far as each is at least as long as the transaction before it, and at most this many times. */
const spreadMs = 40_000;
const mostPauseFactor = 10;

/** @param removed in this transaction. @param total with it and those before it */
type NoteRemoved = (tx: Records, removed: number, total: number) => Promise<void>;

export interface TagRemovalOptions {
  readonly database: Database;
  readonly tagPatterns: TagPatterns;
  /** How many tags one transaction removes. */
  readonly tagsAtOnce?: number | undefined;
  /** Waits after each transaction, unless the signal comes first. */
  readonly pause?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined;
}

export class TagRemoval {
  readonly #database: Database;
  readonly #tagPatterns: TagPatterns;
  readonly #tagsAtOnce: number;
  readonly #pause: NonNullable<TagRemovalOptions['pause']>;

  constructor({ database, tagPatterns, tagsAtOnce = 100, pause = waitOr }: TagRemovalOptions) {
    this.#database = database;
    this.#tagPatterns = tagPatterns;
    this.#tagsAtOnce = tagsAtOnce;
    this.#pause = pause;
  }

  /**
   * Ends early after the signal. A tag stays that was pushed again since it was read, or that a rule protects by then.
   * @param remover on whose behalf
   * @param note what else belongs into a transaction
   * @returns how many were removed
   */
  async remove(
    repository: RepositoryRecord,
    going: readonly PushedTag[],
    remover: Changer,
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
      await this.#pause(pauseAfter(tookMs, endsAt - startedAt, partsLeft), signal);
    }
    return count;
  }

  #removePart(
    { id: repositoryId }: RepositoryRecord,
    part: readonly PushedTag[],
    remover: Changer,
    note: (tx: Records, removed: number) => Promise<void>,
  ): Promise<number> {
    // Whatever is pushed to one of these names since then is another tag.
    const notAfter = Math.max(...part.map(({ updatedAt }) => updatedAt));
    return this.#database.transaction(async (tx) => {
      await tx.repositories.hold(repositoryId);
      // The repository may have been renamed, and rules made, since it was decided what goes.
      const repository = await tx.repositories.find(repositoryId);
      const project = repository && (await tx.projects.find(repository.projectId));
      if (!project) return 0;
      const { name, projectId } = repository;
      const target = { projectId, projectPath: project.fullPath, name, writer: remover };
      const names = await this.#withoutGuarded(tx, target, part);
      const removed = await removeTags(tx, target, repositoryId, names, notAfter);
      if (removed > 0) await note(tx, removed);
      return removed;
    });
  }

  async #withoutGuarded(
    tx: Records,
    target: WriteTarget,
    part: readonly PushedTag[],
  ): Promise<readonly Tag[]> {
    const turn = new Turn();
    const protection = await protectionOf(tx, target, target.writer.protectionLevel, this.#tagPatterns);
    const names: Tag[] = [];
    for (const { name } of part) {
      if (!protection.findTagGuard(target.name, name)) names.push(name);
      if (turn.isOver) await turn.next();
    }
    return names;
  }
}

/**
 * Removes those of the tags that were pushed no later than `notAfter`. Part of a transaction that holds the repository.
 * @param notAfter epoch milliseconds
 * @returns how many were removed
 */
export async function removeTags(
  tx: Records,
  target: WriteTarget,
  repositoryId: number,
  names: readonly Tag[],
  notAfter: number,
): Promise<number> {
  const removed = await tx.tags.removeMany(repositoryId, names, notAfter, target.writer.name);
  if (removed.length === 0) return 0;
  const digests = removed.map(({ digest }) => digest);
  await tx.reviews.addManifests(repositoryId, digests, 'tag_delete');
  await recordWrite(tx, target, 'tag.delete_many', undefined, { tags: removed.map((tag) => tag.name) });
  const told = removed.map((tag) => ({ action: 'delete', tag: tag.name, digest: tag.digest }) as const);
  await recordEvents(tx, target, repositoryId, ...told);
  return removed.length;
}

/**
 * How long to wait after a part; all times are in milliseconds.
 * @param leftMs from the part's beginning, for it and those to come
 * @param parts that are left, this one included; the last need not be a whole one
 */
export function pauseAfter(tookMs: number, leftMs: number, parts: number): number {
  const evenMs = leftMs / parts - tookMs;
  return Math.max(tookMs, Math.min(tookMs * mostPauseFactor, evenMs));
}

async function waitOr(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}
