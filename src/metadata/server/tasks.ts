/** Work that is done from time to time: when each is due, and which process has it. A process that dies loses it with its lease. */
import { type Kysely, type Selectable, sql } from 'kysely';
import { z } from 'zod';
import type { Tables } from '../db/schema.ts';

export interface TaskRecord {
  readonly name: string;
  readonly everyMs: number;
  /** Epoch milliseconds, as all instants here. */
  readonly nextRunAt: number;
  /** A process has it now. */
  readonly isRunning: boolean;
  /** Of the last run; undefined: there was none. */
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** In a row, until one succeeds. */
  readonly failures: number;
  /** Why the last run failed. */
  readonly error: string | undefined;
  /** What the last run that did not fail has done. */
  readonly result: Readonly<Record<string, unknown>> | undefined;
}

/** How a run ended. */
export type TaskEnd = { readonly nextRunAt: number } & (
  | { readonly result: Readonly<Record<string, unknown>> }
  | { readonly error: string }
);

const resultSchema = z.record(z.string(), z.unknown());

export class Tasks {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Makes it known; a new one is due at once. */
  async ensure(name: string, everyMs: number): Promise<void> {
    const values = { name, every_ms: everyMs, next_run_at: this.#now(), woken: 0, failures: 0 };
    await this.#db
      .insertInto('jobs')
      .values(values)
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ every_ms: everyMs }))
      .execute();
  }

  /** Those that are due and that no living process has. */
  async listDue(): Promise<readonly string[]> {
    const now = this.#now();
    const rows = await this.#db
      .selectFrom('jobs')
      .select('name')
      .where('next_run_at', '<=', now)
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<=', now)]))
      .execute();
    return rows.map(({ name }) => name);
  }

  /** Takes one that is due. @returns its failures so far; undefined where another was quicker */
  async take(name: string, owner: string, leaseMs: number): Promise<number | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('jobs')
      .set({ owner, leased_until: now + leaseMs, started_at: now, woken: 0 })
      .where('name', '=', name)
      .where('next_run_at', '<=', now)
      .where((eb) => eb.or([eb('leased_until', 'is', null), eb('leased_until', '<=', now)]))
      .returning('failures')
      .executeTakeFirst();
    return row?.failures;
  }

  /** False where another has it meanwhile. */
  async renew(name: string, owner: string, leaseMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('jobs')
      .set({ leased_until: this.#now() + leaseMs })
      .where('name', '=', name)
      .where('owner', '=', owner)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Does nothing where another has it meanwhile. One that was woken while it ran is due at once. */
  async end(name: string, owner: string, end: TaskEnd): Promise<void> {
    const now = this.#now();
    const outcome =
      'error' in end
        ? { error: end.error, failures: sql<number>`failures + 1` }
        : { error: null, failures: 0, result: JSON.stringify(end.result) };
    await this.#db
      .updateTable('jobs')
      .set({
        owner: null,
        leased_until: null,
        ended_at: now,
        next_run_at: sql<number>`case when woken = 1 then cast(${now} as bigint) else cast(${end.nextRunAt} as bigint) end`,
        ...outcome,
      })
      .where('name', '=', name)
      .where('owner', '=', owner)
      .execute();
  }

  /** Makes it due now, or, where it is running, as soon as it ends. False where there is none of that name. */
  async wake(name: string): Promise<boolean> {
    const now = this.#now();
    const { numUpdatedRows } = await this.#db
      .updateTable('jobs')
      .set({
        woken: 1,
        next_run_at: sql<number>`case when next_run_at < ${now} then next_run_at else cast(${now} as bigint) end`,
      })
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Whether a run began after `at`, in epoch milliseconds, and none goes on. */
  async hasRunSince(name: string, at: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('jobs')
      .select('name')
      .where('name', '=', name)
      .where('started_at', '>', at)
      .where('leased_until', 'is', null)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** All, by name. */
  async list(): Promise<readonly TaskRecord[]> {
    const rows = await this.#db.selectFrom('jobs').selectAll().orderBy('name').execute();
    const now = this.#now();
    return rows.map((row) => fromRow(row, now));
  }
}

function fromRow(row: Selectable<Tables['jobs']>, now: number): TaskRecord {
  return {
    name: row.name,
    everyMs: row.every_ms,
    nextRunAt: row.next_run_at,
    isRunning: row.leased_until !== null && row.leased_until > now,
    startedAt: row.started_at ?? undefined,
    endedAt: row.ended_at ?? undefined,
    failures: row.failures,
    error: row.error ?? undefined,
    result: row.result === null ? undefined : resultSchema.parse(JSON.parse(row.result)),
  };
}
