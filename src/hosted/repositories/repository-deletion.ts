/**
 * Repositories are deleted in the background: someone asks for it, and a task does it. What each links goes in parts, put up for review,
 * and the repository last. A process that dies leaves the rest to the next; what fails too often is given up and says so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ReviewEvent } from '../../metadata/collector/enqueue-reviews.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { RepositoryRemovals } from '../../metadata/hosted/repository-removals.ts';
import type { Log } from '../../observe/log.ts';
import { demandDeleting } from '../changes/deletions.ts';
import { demandRepositoryDeletable } from '../changes/protection.ts';
import { repositoryUnknown } from '../changes/refusal.ts';
import { recordWrite } from '../changes/write-records.ts';
import { isGoing, type WriteTarget } from '../changes/write-target.ts';
import type { ChangeRules } from '../hosted-options.ts';

export interface RepositoryDeletionOptions {
  readonly database: Database;
  readonly log: Log;
}

type Doomed = Awaited<ReturnType<RepositoryRemovals['list']>>[number];

const maxFailures = 10;
/** How many links one transaction removes. */
const linksAtOnce = 100;
const pauseMs = 5;

/**
 * Marks the repository as one that is being deleted, in the background. Asking again changes nothing. Part of a transaction.
 * @throws HostedRefusal deleting-off, repository-protected, repository-unknown
 */
export async function scheduleRepositoryDeletion(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
): Promise<void> {
  demandDeleting(rules);
  const repository = await tx.repositories.findByName(target.name);
  if (!repository || !(await tx.repositories.lock(repository.id))) throw repositoryUnknown(target.name);
  if (isGoing(repository)) return;
  await demandRepositoryDeletable(tx, rules.tagPatterns, target, repository.id);
  await tx.repositoryRemovals.mark(repository.id, 'delete_scheduled', 0);
  await recordWrite(tx, target, 'repository.delete', undefined, { repositoryId: repository.id });
}

export class RepositoryDeletionTask {
  readonly name = 'repositories.delete';
  readonly everyMs = 60_000;
  readonly #options: RepositoryDeletionOptions;

  constructor(options: RepositoryDeletionOptions) {
    this.#options = options;
  }

  /** Removes all repositories that are scheduled; what fails is tried again at another time. @throws what the database throws */
  async run(signal: AbortSignal): Promise<{
    readonly result: { readonly repositories: number; readonly failures: number };
    readonly again?: boolean;
  }> {
    const { database, log } = this.#options;
    const result = { repositories: 0, failures: 0 };
    for (const doomed of await database.repositoryRemovals.list()) {
      try {
        if (!(await this.#remove(doomed, signal))) return { result, again: true };
        result.repositories += 1;
        log.info({ repository: doomed.name }, 'a repository was deleted');
      } catch (error) {
        result.failures += 1;
        await this.#noteFailure(doomed, error);
      }
    }
    return { result };
  }

  /** False where it was told to stop before the end. */
  async #remove(doomed: Doomed, signal: AbortSignal): Promise<boolean> {
    const { database } = this.#options;
    const { id, failures } = doomed;
    await database.repositoryRemovals.mark(id, 'delete_ongoing', failures);
    for (let isGone = false; !isGone; ) {
      while (await this.#removePart(id)) {
        if (signal.aborted) return false;
        await sleep(pauseMs);
      }
      isGone = await database.transaction((tx) => removeEmpty(tx, doomed));
    }
    return true;
  }

  /** Removes one part in one transaction. False when there was nothing to remove. */
  #removePart(id: number): Promise<boolean> {
    return this.#options.database.transaction(async (tx) => {
      await tx.repositories.hold(id);
      return unlinkSome(tx, [id], 'repository_delete');
    });
  }

  async #noteFailure({ id, name, failures: before }: Doomed, error: unknown): Promise<void> {
    const failures = before + 1;
    const isGivenUp = failures >= maxFailures;
    this.#options.log.error(
      { err: error, repository: name, failures, isGivenUp },
      'a repository was not deleted',
    );
    await this.#options.database.repositoryRemovals.mark(
      id,
      isGivenUp ? 'delete_failed' : 'delete_scheduled',
      failures,
    );
  }
}

/** Removes some of what these repositories, which are held, link, and puts it up for review. False where there is nothing any more. */
export async function unlinkSome(
  tx: Pick<Records, 'repositoryRemovals' | 'reviews'>,
  repositoryIds: readonly number[],
  event: ReviewEvent,
): Promise<boolean> {
  const manifests = await tx.repositoryRemovals.removeManifests(repositoryIds, linksAtOnce);
  await tx.reviews.addPayloads(manifests, event);
  if (manifests.length > 0) return true;
  const blobs = await tx.repositoryRemovals.removeBlobs(repositoryIds, linksAtOnce);
  await tx.reviews.addBlobs(blobs, event);
  return blobs.length > 0;
}

/** Removes the repository itself. False where there is something in it again. */
async function removeEmpty(tx: Records, { id, projectId, name }: Doomed): Promise<boolean> {
  const isGone = await tx.repositoryRemovals.removeEmpty(id);
  const deleted = { action: 'delete', projectId, repositoryId: id, repository: name, actorName: '' } as const;
  if (isGone) await tx.webhookOutbox.add(deleted);
  return isGone;
}
