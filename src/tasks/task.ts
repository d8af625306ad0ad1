/** Work that is done from time to time, wherever the scheduler runs it. */
export interface Task {
  /** E.g. `uploads.expire`. */
  readonly name: string;
  /** From the end of one run to the next. */
  readonly everyMs: number;
  /**
   * One run, of minutes at most; it ends soon after the signal, which says that the server stops or that another process has the task.
   * What it throws is logged, and the run is tried again after a while.
   */
  run(signal: AbortSignal): Promise<TaskOutcome>;
}

export interface TaskOutcome {
  /** What it did, for people to see: numbers and texts. */
  readonly result: Readonly<Record<string, unknown>>;
  /** There is more to do at once. */
  readonly again?: boolean;
}
