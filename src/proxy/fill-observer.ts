/** What fills tell the metrics. */
export interface FillObserver {
  started(): void;
  /** A client joined a fill that was running. */
  followed(): void;
  /** A broken transfer was taken up again. */
  resumed(): void;
  finished(result: 'completed' | 'failed' | 'uncached'): void;
  /** Bytes added to (or, negative, gone from) the spool. */
  spooled(deltaBytes: number): void;
}
