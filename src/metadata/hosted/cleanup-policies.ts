/** Cleanup policies of projects, and how far their runs have come. */
import { type Kysely, type Selectable, sql, type Updateable } from 'kysely';
import { z } from 'zod';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/schema.ts';

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
      const query = this.#db.selectFrom('cleanup_policies').selectAll().where('project_id', 'in', batch);
      found.push(...(await query.execute()).map(fromRow));
    }
    return found;
  }

  /** The enabled one whose run was asked for, else the one whose run is due, or goes on, for the longest time. */
  async findDue(now: number): Promise<CleanupPolicyRecord | undefined> {
    const row = await this.#db
      .selectFrom('cleanup_policies')
      .selectAll()
      .where('enabled', '=', 1)
      .where((eb) => eb.or([eb('next_run_at', '<=', now), eb('requested_at', 'is not', null)]))
      .orderBy(sql`case when requested_at is null then 1 else 0 end`)
      .orderBy('next_run_at')
      .orderBy('project_id')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Makes or changes it; a run that goes on is given up. @throws MissingOwner when the project is gone */
  async save(projectId: number, policy: PolicyFields, nextRunAt: number): Promise<void> {
    const fields = {
      enabled: policy.enabled ? 1 : 0,
      cadence: policy.cadence,
      keep_n: policy.keepN ?? null,
      older_than: policy.olderThan ?? null,
      name_regex: policy.nameRegex,
      name_regex_keep: policy.nameRegexKeep ?? null,
      next_run_at: nextRunAt,
      requested_at: null,
      started_at: null,
      run: null,
    };
    await this.#db
      .insertInto('cleanup_policies')
      .values({ project_id: projectId, ...fields })
      .onConflict((conflict) => conflict.column('project_id').doUpdateSet(fields))
      .execute();
  }

  /** Asks for a run now. @returns false where one goes on, or was asked for already */
  async request(projectId: number, now: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanup_policies')
      .set({ requested_at: now })
      .where('project_id', '=', projectId)
      .where('requested_at', 'is', null)
      .where('started_at', 'is', null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /**
   * How far the run has come that was asked for, or is due since `nextRunAt`.
   * @returns false where the policy was changed meanwhile: then the run is over
   */
  async recordProgress(running: RunningPolicy, startedAt: number, run: CleanupRun): Promise<boolean> {
    return this.#update(running, { started_at: startedAt, run: JSON.stringify(run) });
  }

  /** As {@link recordProgress}. @param following when the policy is due next */
  async recordEnd(running: RunningPolicy, run: EndedCleanupRun, following: number): Promise<boolean> {
    return this.#update(running, {
      requested_at: null,
      started_at: null,
      run: null,
      last_run: JSON.stringify(run),
      next_run_at: following,
    });
  }

  async #update(
    { projectId, nextRunAt, requestedAt }: RunningPolicy,
    changes: Updateable<Tables['cleanup_policies']>,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanup_policies')
      .set(changes)
      .where('project_id', '=', projectId)
      .where('next_run_at', '=', nextRunAt)
      .where('requested_at', requestedAt === undefined ? 'is' : '=', requestedAt ?? null)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }
}

type RunningPolicy = Pick<CleanupPolicyRecord, 'projectId' | 'nextRunAt' | 'requestedAt'>;

function fromRow(row: Selectable<Tables['cleanup_policies']>): CleanupPolicyRecord {
  return {
    projectId: row.project_id,
    enabled: row.enabled === 1,
    cadence: row.cadence,
    keepN: row.keep_n ?? undefined,
    olderThan: row.older_than ?? undefined,
    nameRegex: row.name_regex,
    nameRegexKeep: row.name_regex_keep ?? undefined,
    nextRunAt: row.next_run_at,
    requestedAt: row.requested_at ?? undefined,
    startedAt: row.started_at ?? undefined,
    run: row.run === null ? undefined : runSchema.parse(JSON.parse(row.run)),
    lastRun: row.last_run === null ? undefined : endedRunSchema.parse(JSON.parse(row.last_run)),
  };
}
