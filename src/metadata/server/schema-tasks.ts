/** The table of the scheduler; conventions as in schema.ts. */
export interface TaskTables {
  jobs: TaskTable;
}

interface TaskTable {
  /** primary key */
  name: string;
  every_ms: number;
  /** due from then on */
  next_run_at: number;
  /** 1: asked for while it was running, so that it runs again */
  woken: number;
  /** the process that runs it; null: none */
  owner: string | null;
  /** the owner is taken for dead from then on */
  leased_until: number | null;
  /** of the last run, which goes on where it is after ended_at */
  started_at: number | null;
  ended_at: number | null;
  /** runs in a row that failed */
  failures: number;
  /** why the last run failed; null: it did not */
  error: string | null;
  /** JSON object: what the last run that did not fail has done */
  result: string | null;
}
