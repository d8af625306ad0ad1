/** Cleanup policies of projects, and how far their runs have come. */
import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import { inBatches } from './in-batches.ts';
import type { Tables } from './schema.ts';

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

  /** The enabled one whose run is due, or goes on, for the longest time. */
  async findDue(now: number): Promise<CleanupPolicyRecord | undefined> {
    const row = await this.#db
      .selectFrom('cleanup_policies')
      .selectAll()
      .where('enabled', '=', 1)
      .where('next_run_at', '<=', now)
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
      started_at: null,
      run: null,
    };
    await this.#db
      .insertInto('cleanup_policies')
      .values({ project_id: projectId, ...fields })
      .onConflict((conflict) => conflict.column('project_id').doUpdateSet(fields))
      .execute();
  }

  /**
   * How far the run has come that is due since `nextRunAt`.
   * @returns false where the policy was changed meanwhile: then the run is over
   */
  async recordProgress(
    { projectId, nextRunAt }: Pick<CleanupPolicyRecord, 'projectId' | 'nextRunAt'>,
    startedAt: number,
    run: CleanupRun,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanup_policies')
      .set({ started_at: startedAt, run: JSON.stringify(run) })
      .where('project_id', '=', projectId)
      .where('next_run_at', '=', nextRunAt)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** As {@link recordProgress}. */
  async recordEnd(
    { projectId, nextRunAt }: Pick<CleanupPolicyRecord, 'projectId' | 'nextRunAt'>,
    run: EndedCleanupRun,
    following: number,
  ): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cleanup_policies')
      .set({ started_at: null, run: null, last_run: JSON.stringify(run), next_run_at: following })
      .where('project_id', '=', projectId)
      .where('next_run_at', '=', nextRunAt)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }
}

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
    startedAt: row.started_at ?? undefined,
    run: row.run === null ? undefined : runSchema.parse(JSON.parse(row.run)),
    lastRun: row.last_run === null ? undefined : endedRunSchema.parse(JSON.parse(row.last_run)),
  };
}
