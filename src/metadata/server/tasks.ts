/** Work that is done from time to time: when each is due, and which process has it. A process that dies loses it with its lease. */
import { type Kysely, sql } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

export interface TaskTable {
  /** The primary key. */
  name: string;
  everyMs: number;
  /** The task is due from then on; epoch milliseconds, as all instants here. */
  nextRunAt: number;
  /** Someone asked for it while it was running, so that it runs again. */
  isWoken: boolean;
  /** The process that runs it. */
  owner: Optional<string>;
  /** The owner is taken for dead from then on. */
  leasedUntil: Optional<number>;
  /** When the last run began, which goes on where that is after {@link endedAt}; undefined: there was none. */
  startedAt: Optional<number>;
  endedAt: Optional<number>;
  /** How many runs in a row have failed. */
  failures: number;
  /** Why the last run failed. */
  error: Optional<string>;
  /** What the last run that did not fail has done. */
  result: Optional<Readonly<Record<string, unknown>>>;
}

export type TaskRecord = RecordOf<TaskTable> & {
  /** A process has it now. */
  readonly isRunning: boolean;
};

/** How a run ended. */
export type TaskEnd = { readonly nextRunAt: number } & (
  | { readonly result: Readonly<Record<string, unknown>> }
  | { readonly error: string }
);

const isWoken = sql.ref('isWoken');
const nextRunAt = sql.ref('nextRunAt');

export class Tasks {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Makes it known; a new one is due at once. */
  async ensure(name: string, everyMs: number): Promise<void> {
    const values = { name, everyMs, nextRunAt: this.#now(), isWoken: false, failures: 0 };
    await this.#db
      .insertInto('tasks')
      .values(values)
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ everyMs }))
      .execute();
  }

  /** Those that are due and that no living process has. */
  async listDue(): Promise<readonly string[]> {
    const now = this.#now();
    const rows = await this.#db
      .selectFrom('tasks')
      .select('name')
      .where('nextRunAt', '<=', now)
      .where((eb) => eb.or([eb('leasedUntil', 'is', null), eb('leasedUntil', '<=', now)]))
      .execute();
    return rows.map(({ name }) => name);
  }

  /** Takes a task that is due. @returns its failures so far; undefined where another was quicker */
  async take(name: string, owner: string, leaseMs: number): Promise<number | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('tasks')
      .set({ owner, leasedUntil: now + leaseMs, startedAt: now, isWoken: false })
      .where('name', '=', name)
      .where('nextRunAt', '<=', now)
      .where((eb) => eb.or([eb('leasedUntil', 'is', null), eb('leasedUntil', '<=', now)]))
      .returning('failures')
      .executeTakeFirst();
    return row?.failures;
  }

  /** False where another has it meanwhile. */
  async renew(name: string, owner: string, leaseMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('tasks')
      .set({ leasedUntil: this.#now() + leaseMs })
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
        : { error: null, failures: 0, result: end.result };
    await this.#db
      .updateTable('tasks')
      .set({
        owner: null,
        leasedUntil: null,
        endedAt: now,
        nextRunAt: sql<number>`case when ${isWoken} = 1 then cast(${now} as bigint) else cast(${end.nextRunAt} as bigint) end`,
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
      .updateTable('tasks')
      .set({
        isWoken: true,
        nextRunAt: sql<number>`case when ${nextRunAt} < ${now} then ${nextRunAt} else cast(${now} as bigint) end`,
      })
      .where('name', '=', name)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Whether a run began after `at`, in epoch milliseconds, and none goes on. */
  async hasRunSince(name: string, at: number): Promise<boolean> {
    const row = await this.#db
      .selectFrom('tasks')
      .select('name')
      .where('name', '=', name)
      .where('startedAt', '>', at)
      .where('leasedUntil', 'is', null)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** All, by name. */
  async list(): Promise<readonly TaskRecord[]> {
    const tasks = await this.#db.selectFrom('tasks').selectAll().orderBy('name').execute();
    const now = this.#now();
    return tasks.map((task) => ({
      ...task,
      isRunning: task.leasedUntil !== undefined && task.leasedUntil > now,
    }));
  }
}
