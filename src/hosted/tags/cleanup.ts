/**
 * A task that runs the cleanup policies that are due, one repository after the other. How far a run has come is recorded in the
 * transactions that remove tags, so that a process that dies leaves the rest to the next. A policy that is changed meanwhile gives its run up.
 */
import type {
  CleanupPolicyRecord,
  CleanupRun,
  EndedCleanupRun,
} from '../../metadata/hosted/cleanup-policies.ts';
import type { RepositoryRecord } from '../../metadata/hosted/repositories.ts';
import type { Log } from '../../observe/log.ts';
import { criteriaOf, nextRunAfter, policyFrom } from '../../rules/cleanup-policy.ts';
import { selectInParts } from '../../rules/select-in-parts.ts';
import { findProtection } from '../changes/protection.ts';
import { TagRemoval, type TagRemovalOptions } from './tag-removal.ts';

export interface CleanupOptions extends TagRemovalOptions {
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Why no policy runs now; undefined: they do. */
  readonly offReason?: () => Promise<string | undefined>;
  /** How many tags one run of a policy removes; what is left goes in the next run, which is due then as always. */
  readonly maxTagsPerRun?: number;
}

interface Progress {
  repository: string;
  deleted: number;
  readonly kept: Record<string, number>;
  failed: number;
}

/** A cleanup has nobody's role: whatever rule protects a tag keeps it from the cleanup. */
const remover = { userId: undefined, name: 'cleanup policy', address: undefined, protectionLevel: 0 };
const maxErrorLength = 1000;
const givenUp = Symbol('given up');

export class CleanupTask {
  readonly name = 'cleanup_policies.run';
  readonly everyMs = 5 * 60 * 1000;
  readonly #options: CleanupOptions;
  readonly #removal: TagRemoval;
  readonly #maxTagsPerRun: number;

  constructor(options: CleanupOptions) {
    this.#options = options;
    this.#removal = new TagRemoval(options);
    this.#maxTagsPerRun = options.maxTagsPerRun ?? 100_000;
  }

  /** Runs one policy. @throws what the database throws */
  async run(
    signal: AbortSignal,
  ): Promise<{ readonly result: { readonly deleted: number }; readonly again?: boolean }> {
    const { database, log, now, offReason } = this.#options;
    if ((await offReason?.()) !== undefined) return { result: { deleted: 0 } };
    const policy = await database.cleanupPolicies.findDue(now());
    if (!policy) return { result: { deleted: 0 } };
    const startedAt = policy.startedAt ?? now();
    const progress: Progress = { ...(policy.run ?? { repository: '', deleted: 0, failed: 0 }), kept: {} };
    Object.assign(progress.kept, policy.run?.kept);
    const error = await this.#cleanUp(policy, startedAt, progress, signal).catch((cause: unknown) => {
      if (cause instanceof PolicyChanged) return givenUp;
      log.error({ err: cause, project: policy.projectId }, 'a cleanup policy failed');
      return (cause instanceof Error ? cause.message : String(cause)).slice(0, maxErrorLength);
    });
    if (error === givenUp || signal.aborted) return { result: { deleted: progress.deleted }, again: true };
    const { deleted, kept, failed } = progress;
    const ended: EndedCleanupRun = {
      startedAt,
      endedAt: now(),
      deleted,
      kept,
      failed,
      ...(error !== undefined && { error }),
    };
    // A run that someone asked for is besides those that are due.
    const following =
      policy.requestedAt === undefined ? nextRunAfter(now(), policyFrom(policy).cadence) : policy.nextRunAt;
    await database.cleanupPolicies.recordEnd(policy, ended, following);
    log.info({ project: policy.projectId, deleted, kept, failed }, 'a cleanup policy has run');
    return { result: { deleted }, again: true };
  }

  /** @throws PolicyChanged */
  async #cleanUp(
    policy: CleanupPolicyRecord,
    startedAt: number,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<undefined> {
    const { database } = this.#options;
    for (;;) {
      if (!(await database.cleanupPolicies.recordProgress(policy, startedAt, progress)))
        throw new PolicyChanged();
      const repository = await database.repositories.findNext(policy.projectId, progress.repository);
      if (!repository || progress.deleted >= this.#maxTagsPerRun) return undefined;
      const kept = await this.#cleanRepository(policy, startedAt, repository, progress, signal);
      if (signal.aborted) return undefined;
      for (const [rule, count] of Object.entries(kept))
        progress.kept[rule] = (progress.kept[rule] ?? 0) + count;
      progress.repository = repository.name;
    }
  }

  /** @returns how many tags stayed, by the rule that kept them */
  async #cleanRepository(
    policy: CleanupPolicyRecord,
    startedAt: number,
    repository: RepositoryRecord,
    progress: Progress,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, number>>> {
    const { database, tagPatterns } = this.#options;
    const project = await database.projects.find(policy.projectId);
    if (!project) throw new PolicyChanged();
    await database.repositories.noteCleanup(repository.id, startedAt);
    const protection = await findProtection(database, policy.projectId, remover.protectionLevel, tagPatterns);
    const decisions = await selectInParts(
      database.tags.readPushed(repository.id, startedAt),
      {
        ...criteriaOf(policyFrom(policy), repository.name.slice(project.fullPath.length + 1)),
        findGuard: (tag) => protection?.findTagGuard(repository.name, tag),
      },
      startedAt,
    );
    const going = decisions.filter(({ keptBy }) => keptBy === undefined).map(({ tag }) => tag);
    const room = this.#maxTagsPerRun - progress.deleted;
    const deleted = await this.#removal.remove(
      repository,
      // The oldest go first, where not all of them can go.
      going.toReversed().slice(0, room),
      remover,
      signal,
      async (tx, _removed, total) => {
        const run: CleanupRun = { ...progress, deleted: progress.deleted + total };
        if (!(await tx.cleanupPolicies.recordProgress(policy, startedAt, run))) throw new PolicyChanged();
      },
    );
    progress.deleted += deleted;
    progress.failed += Math.max(0, Math.min(going.length, room) - deleted);
    return countRules(decisions.map(({ keptBy }) => keptBy));
  }
}

/** The policy was changed while it ran. */
class PolicyChanged extends Error {}

function countRules(rules: readonly (string | undefined)[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const rule of rules) if (rule !== undefined) counts[rule] = (counts[rule] ?? 0) + 1;
  return counts;
}
