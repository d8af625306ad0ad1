/** Cleanup policies of projects, and how far their runs have come. */
import type { Kysely, Updateable } from 'kysely';
import { inBatches } from '../db/in-batches.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** What a run has done so far. */
export interface CleanupRun {
  /** The last repository that is done; empty: none. */
  readonly repository: string;
  readonly deleted: number;
  /** How many tags stayed, by the rule that kept them. */
  readonly kept: Readonly<Record<string, number>>;
  /** Tags that could not be removed. */
  readonly failed: number;
}

export interface EndedCleanupRun extends Omit<CleanupRun, 'repository'> {
  readonly startedAt: number;
  readonly endedAt: number;
  /** Why it ended before its end. */
  readonly error?: string;
}

/** What is not here is as of the defaults. primary key projectId; index (enabled, nextRunAt), requestedAt */
export interface CleanupPolicyTable {
  projectId: number;
  /** What the policy says, as texts and numbers: src/rules/cleanup-policy.ts knows what they mean. */
  enabled: boolean;
  cadence: string;
  keepN: Optional<number>;
  olderThan: Optional<string>;
  notPulledFor: Optional<string>;
  repositoryRegex: Optional<string>;
  nameRegex: string;
  nameRegexKeep: Optional<string>;
  /** Epoch milliseconds, as all instants here. */
  nextRunAt: number;
  /** When someone asked for a run that has not ended yet, which is one besides those that are due. */
  requestedAt: Optional<number>;
  /** When the run began that goes on; undefined: none does. */
  startedAt: Optional<number>;
  run: Optional<CleanupRun>;
  lastRun: Optional<EndedCleanupRun>;
}

export type CleanupPolicyRecord = RecordOf<CleanupPolicyTable>;

export type PolicyFields = Pick<
  CleanupPolicyRecord,
  | 'enabled'
  | 'cadence'
  | 'keepN'
  | 'olderThan'
  | 'notPulledFor'
  | 'repositoryRegex'
  | 'nameRegex'
  | 'nameRegexKeep'
>;

export class CleanupPolicies {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(projectId: number): Promise<CleanupPolicyRecord | undefined> {
    const [policy] = await this.listOf([projectId]);
    return policy;
  }

  /** The policies of those of the projects that have one. */
  async listOf(projectIds: readonly number[]): Promise<readonly CleanupPolicyRecord[]> {
    const found: CleanupPolicyRecord[] = [];
    for (const batch of inBatches(projectIds)) {
      const query = this.#db.selectFrom('cleanupPolicies').selectAll().where('projectId', 'in', batch);
      found.push(...(await query.execute()));
    }
    return found;
  }

  /** The enabled policy whose run was asked for, else the one whose run is due, or goes on, for the longest time. */
  findDue(now: number): Promise<CleanupPolicyRecord | undefined> {
    return this.#db
      .selectFrom('cleanupPolicies')
      .selectAll()
      .where('enabled', '=', true)
      .where((eb) => eb.or([eb('nextRunAt', '<=', now), eb('requestedAt', 'is not', null)]))
      .orderBy((eb) => eb.case().when('requestedAt', 'is', null).then(1).else(0).end())
      .orderBy('nextRunAt')
      .orderBy('projectId')
      .limit(1)
      .executeTakeFirst();
  }

  /** Makes or changes it; a run that goes on is given up. @throws MissingOwner when the project is gone */
  async save(projectId: number, policy: PolicyFields, nextRunAt: number): Promise<void> {
    await this.#db
      .insertInto('cleanupPolicies')
      .values({ projectId, ...policy, nextRunAt })
      .onConflict((conflict) =>
        conflict.column('projectId').doUpdateSet({
          ...policy,
          nextRunAt,
          keepN: policy.keepN ?? null,
          olderThan: policy.olderThan ?? null,
          notPulledFor: policy.notPulledFor ?? null,
          repositoryRegex: policy.repositoryRegex ?? null,
          nameRegexKeep: policy.nameRegexKeep ?? null,
          requestedAt: null,
          startedAt: null,
          run: null,
        }),
      )
      .execute();
  }

  /** Asks for a run now. @returns false where one goes on, or was asked for already */
  async request(projectId: number, now: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanupPolicies')
      .set({ requestedAt: now })
      .where('projectId', '=', projectId)
      .where('requestedAt', 'is', null)
      .where('startedAt', 'is', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /**
   * Notes how far the run has come that was asked for, or is due since `nextRunAt`.
   * @returns false where the policy was changed meanwhile: then the run is over
   */
  recordProgress(running: RunningPolicy, startedAt: number, run: CleanupRun): Promise<boolean> {
    return this.#update(running, { startedAt, run });
  }

  /** As {@link recordProgress}. @param following when the policy is due next */
  recordEnd(running: RunningPolicy, run: EndedCleanupRun, following: number): Promise<boolean> {
    return this.#update(running, {
      requestedAt: null,
      startedAt: null,
      run: null,
      lastRun: run,
      nextRunAt: following,
    });
  }

  async #update(
    { projectId, nextRunAt, requestedAt }: RunningPolicy,
    changes: Updateable<Tables['cleanupPolicies']>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanupPolicies')
      .set(changes)
      .where('projectId', '=', projectId)
      .where('nextRunAt', '=', nextRunAt)
      .where('requestedAt', requestedAt === undefined ? 'is' : '=', requestedAt ?? null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }
}

type RunningPolicy = Pick<CleanupPolicyRecord, 'projectId' | 'nextRunAt' | 'requestedAt'>;
