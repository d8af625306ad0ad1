/**
 * Runs the collector from time to time, in every process: what is due is claimed row by row, so that all of them share the work, and the
 * death of one leaves nothing but its claims. In read-only mode nothing runs.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import type { Collector } from './collector.ts';
import type { GcObserver } from './gc-observer.ts';
import { applyUntaggedRule } from './untagged-rule.ts';

export interface CollectorWorkerOptions {
  readonly collector: Pick<Collector, 'run'>;
  readonly database: Pick<Database, 'instance' | 'repositories' | 'reviews'>;
  /** How long after its last push or pull an untagged manifest of a repository is kept; undefined: for ever. */
  readonly untaggedMs: number | undefined;
  /** From one look to the next. */
  readonly intervalMs: number;
  /** Why nothing may be changed now; undefined: it may. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly observer: GcObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const maxPauseMs = 5 * 60 * 1000;

export class CollectorWorker {
  readonly #options: CollectorWorkerOptions;
  readonly #stopping = new AbortController();
  #running: Promise<void> = Promise.resolve();
  #waking = new AbortController();
  #hasRule = false;

  constructor(options: CollectorWorkerOptions) {
    this.#options = options;
  }

  /** Now and from time to time, in the background; a failure is logged, and tried again after a while. */
  start(): void {
    this.#running = this.#loop();
  }

  /** What is due is looked for at once, by this process. Never waits for it. */
  wake(): void {
    this.#waking.abort();
  }

  /** Waits for the review that is being made. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  async #loop(): Promise<void> {
    const { intervalMs, observer, log } = this.#options;
    const { signal } = this.#stopping;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      try {
        await this.#look();
        failures = 0;
        observer.ran('done', (performance.now() - startedAt) / 1000);
      } catch (error) {
        failures += 1;
        observer.ran('failed', (performance.now() - startedAt) / 1000);
        log.error({ err: error, failures }, 'what is due for collection was not looked at');
      }
      const pauseMs = Math.min(Math.max(maxPauseMs, intervalMs), intervalMs * 2 ** failures);
      observer.slept(pauseMs / 1000);
      // Ends early where it is woken, but not after a failure: who wakes it may do so all the time.
      const waking = failures === 0 ? AbortSignal.any([signal, this.#waking.signal]) : signal;
      await sleep(pauseMs, undefined, { signal: waking, ref: false }).catch(() => undefined);
      this.#waking = new AbortController();
    }
  }

  async #look(): Promise<void> {
    const { collector, database, untaggedMs, readOnlyReason } = this.#options;
    if ((await readOnlyReason()) !== undefined) return;
    if (!this.#hasRule) await applyUntaggedRule(database, { untaggedMs });
    this.#hasRule = true;
    await collector.run({ signal: this.#stopping.signal });
  }
}
