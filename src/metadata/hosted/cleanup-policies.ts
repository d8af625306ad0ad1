/** Cleanup policies of projects, and how far their runs have come. */
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import { z } from 'zod';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

/** What a policy says, as texts and numbers: src/rules/cleanup-policy.ts knows what they mean. */
export interface PolicyFields {
  readonly enabled: boolean;
  readonly cadence: string;
  readonly keepN: number | undefined;
  readonly olderThan: string | undefined;
  readonly nameRegex: string;
  readonly nameRegexKeep: string | undefined;
}

const runSchema = z.object({
  /** The last repository that is done; empty: none. */
  repository: z.string(),
  deleted: z.int(),
  /** How many tags stayed, by the rule that kept them. */
  kept: z.record(z.string(), z.int()),
  /** Tags that could not be removed. */
  failed: z.int(),
});

/** What a run has done so far. */
export type CleanupRun = Readonly<z.output<typeof runSchema>>;

const endedRunSchema = runSchema.omit({ repository: true }).extend({
  startedAt: z.int(),
  endedAt: z.int(),
  /** Why it ended before its end. */
  error: z.string().optional(),
});

export type EndedCleanupRun = Readonly<z.output<typeof endedRunSchema>>;

export interface CleanupPolicyRecord extends PolicyFields {
  readonly projectId: number;
  /** Epoch milliseconds, as all instants here. */
  readonly nextRunAt: number;
  /** When someone asked for a run that has not ended yet; it is one besides those that are due. */
  readonly requestedAt: number | undefined;
  /** Of the run that goes on; undefined: none does. */
  readonly startedAt: number | undefined;
  readonly run: CleanupRun | undefined;
  readonly lastRun: EndedCleanupRun | undefined;
}

export class CleanupPolicies {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(projectId: number): Promise<CleanupPolicyRecord | undefined> {
    const [policy] = await this.listOf([projectId]);
    return policy;
  }

  /** Those of these projects that have one. */
  async listOf(projectIds: readonly number[]): Promise<readonly CleanupPolicyRecord[]> {
    const found: CleanupPolicyRecord[] = [];
    for (const batch of inBatches(projectIds)) {
      const query = this.#db.selectFrom('cleanupPolicies').selectAll().where('projectId', 'in', batch);
      found.push(...(await query.execute()).map(fromRow));
    }
    return found;
  }

  /** The enabled one whose run was asked for, else the one whose run is due, or goes on, for the longest time. */
  async findDue(now: number): Promise<CleanupPolicyRecord | undefined> {
    const row = await this.#db
      .selectFrom('cleanupPolicies')
      .selectAll()
      .where('enabled', '=', true)
      .where((eb) => eb.or([eb('nextRunAt', '<=', now), eb('requestedAt', 'is not', null)]))
      .orderBy(sql`case when requested_at is null then 1 else 0 end`)
      .orderBy('nextRunAt')
      .orderBy('projectId')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Makes or changes it; a run that goes on is given up. @throws MissingOwner when the project is gone */
  async save(projectId: number, policy: PolicyFields, nextRunAt: number): Promise<void> {
    const fields = {
      enabled: policy.enabled,
      cadence: policy.cadence,
      keepN: policy.keepN ?? null,
      olderThan: policy.olderThan ?? null,
      nameRegex: policy.nameRegex,
      nameRegexKeep: policy.nameRegexKeep ?? null,
      nextRunAt,
      requestedAt: null,
      startedAt: null,
      run: null,
    };
    await this.#db
      .insertInto('cleanupPolicies')
      .values({ projectId, ...fields })
      .onConflict((conflict) => conflict.column('projectId').doUpdateSet(fields))
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
   * How far the run has come that was asked for, or is due since `nextRunAt`.
   * @returns false where the policy was changed meanwhile: then the run is over
   */
  async recordProgress(running: RunningPolicy, startedAt: number, run: CleanupRun): Promise<boolean> {
    return this.#update(running, { startedAt, run: JSON.stringify(run) });
  }

  /** As {@link recordProgress}. @param following when the policy is due next */
  async recordEnd(running: RunningPolicy, run: EndedCleanupRun, following: number): Promise<boolean> {
    return this.#update(running, {
      requestedAt: null,
      startedAt: null,
      run: null,
      lastRun: JSON.stringify(run),
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

function fromRow(row: Selectable<Tables['cleanupPolicies']>): CleanupPolicyRecord {
  return {
    projectId: row.projectId,
    enabled: row.enabled,
    cadence: row.cadence,
    keepN: row.keepN ?? undefined,
    olderThan: row.olderThan ?? undefined,
    nameRegex: row.nameRegex,
    nameRegexKeep: row.nameRegexKeep ?? undefined,
    nextRunAt: row.nextRunAt,
    requestedAt: row.requestedAt ?? undefined,
    startedAt: row.startedAt ?? undefined,
    run: row.run === undefined ? undefined : runSchema.parse(JSON.parse(row.run)),
    lastRun: row.lastRun === undefined ? undefined : endedRunSchema.parse(JSON.parse(row.lastRun)),
  };
}
