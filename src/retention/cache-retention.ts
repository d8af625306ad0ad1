/**
 * Forgets what was not pulled for as long as the policy of its group says: a task that looks for policies that are due. A run that was
 * broken off goes on where it was.
 */

import type { CacheRetentionPolicy } from '../metadata/cached/cache-retention-policies.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { CacheObserver } from './cache-observer.ts';
import { EntryEviction } from './entry-eviction.ts';

export interface CacheRetentionOptions {
  readonly database: Database;
  /** Records the downloads that are only counted in memory yet. */
  readonly flushUsage: () => Promise<void>;
  /** Something was forgotten: its bytes can go. */
  readonly onEvicted: () => void;
  readonly observer: CacheObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const hourMs = 60 * 60 * 1000;
const dayMs = 24 * hourMs;
/** In one run: what is left is due at once. */
const policiesAtOnce = 2;
const maxFailureLength = 255;

export interface RetentionOutcome {
  readonly result: { readonly policies: number; readonly failed: number };
  readonly again: boolean;
}

export class CacheRetention {
  readonly name = 'cache.retention';
  readonly everyMs = hourMs;
  readonly #options: CacheRetentionOptions;
  readonly #eviction: EntryEviction;

  constructor(options: CacheRetentionOptions) {
    this.#options = options;
    this.#eviction = new EntryEviction(options);
  }

  /** @throws what the database throws where it cannot be recorded */
  async run(signal: AbortSignal): Promise<RetentionOutcome> {
    const { database, flushUsage } = this.#options;
    const due = await database.cacheRetention.listDue(policiesAtOnce);
    if (due.length > 0) await flushUsage();
    const failures = await Promise.all(due.map((policy) => this.#runPolicy(policy, signal)));
    return {
      result: { policies: due.length, failed: failures.filter(Boolean).length },
      again: due.length === policiesAtOnce,
    };
  }

  /** Whether it failed. */
  async #runPolicy({ groupId }: CacheRetentionPolicy, signal: AbortSignal): Promise<boolean> {
    const { database, now, log } = this.#options;
    let failure: string | undefined;
    const policy = await database.cacheRetention.begin(groupId);
    if (!policy) return false;
    try {
      await this.#forget(policy, signal);
      if (signal.aborted) return false;
    } catch (error) {
      log.error({ err: error, group: groupId }, 'a cleanup policy failed');
      failure = (error instanceof Error ? error.message : String(error)).slice(0, maxFailureLength);
    }
    const ended = await database.cacheRetention.end(groupId, now() + policy.cadenceDays * dayMs, failure);
    if (ended) await this.#tell(ended);
    return failure !== undefined;
  }

  async #forget({ groupId, keepDays, runStartedAt }: CacheRetentionPolicy, signal: AbortSignal) {
    const { now, onEvicted, observer } = this.#options;
    await this.#eviction.run({
      scope: groupId,
      usedBefore: (runStartedAt ?? now()) - keepDays * dayMs,
      signal,
      isEnough: async () => false,
      record: async (tx, removed) => {
        const { entries, bytes } = removed.get(groupId) ?? { entries: 0, bytes: 0 };
        return tx.cacheRetention.addDeleted(groupId, entries, bytes);
      },
      onRemoved: (removed) => {
        for (const { entries, bytes } of removed.values()) observer.evicted('age', entries, bytes);
        onEvicted();
      },
    });
  }

  /** By the log always, and by an audit event, which the Owners of the group see, where the policy asks for it: there is no mail here. */
  async #tell(policy: CacheRetentionPolicy): Promise<void> {
    const { database, log } = this.#options;
    const { groupId, failureMessage, lastDeletedEntries, lastDeletedBytes } = policy;
    const outcome = { deleted_entries_count: lastDeletedEntries, deleted_size: lastDeletedBytes };
    const hasFailed = failureMessage !== undefined;
    if (!hasFailed) log.info({ group: groupId, ...outcome }, 'a cleanup policy has run');
    if (hasFailed ? !policy.notifyOnFailure : !policy.notifyOnSuccess) return;
    const group = await database.groups.find(groupId);
    await database.auditEvents.add({
      actorName: 'system',
      action: hasFailed ? 'cache_cleanup_policy.failed' : 'cache_cleanup_policy.succeeded',
      targetId: groupId,
      details: { ...outcome, ...(hasFailed && { failureMessage }) },
      groupPath: group?.fullPath,
    });
  }
}
