/**
 * Keeps so many workers running: one that dies is started again, after pauses that grow where it dies young, and all can be replaced one
 * after the other, each by one that serves already. What a worker is, and how it is started, is said from outside.
 */
import type { Log } from '../../observe/log.ts';

export interface WorkerProcess {
  /** Once it serves; false where it ended before. */
  readonly ready: Promise<boolean>;
  readonly ended: Promise<Ending>;
  /** Asks it to end what it is doing, and then itself. */
  stop(): void;
  kill(): void;
}

export interface Ending {
  readonly code: number | null;
  readonly signal: string | null;
}

export interface SupervisorOptions {
  readonly count: number;
  /** @param number from 1 to count */
  readonly startWorker: (number: number) => WorkerProcess;
  /** Resolves after so many milliseconds, and at the signal. */
  readonly pause: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
  readonly log: Log;
}

const firstPauseMs = 1000;
const maxPauseMs = 30_000;
/** One that lived so long did not die of its start. */
const oldMs = 60_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #stopping = new AbortController();
  /** All that have not ended, those that are about to among them. */
  readonly #living = new Set<WorkerProcess>();
  /** Who has each number now. */
  readonly #holders = new Map<number, WorkerProcess>();
  readonly #pauses = new Map<number, number>();
  #starting: Promise<Ending | undefined> | undefined;
  #restarting: Promise<void> | undefined;
  #isRestartWanted = false;
  #hasKilled = false;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** The first alone, which may have to make what all need, and then the others. @returns how the first ended, where it never served */
  start(): Promise<Ending | undefined> {
    this.#starting ??= this.#startAll();
    return this.#starting;
  }

  async #startAll(): Promise<Ending | undefined> {
    const first = this.#begin(1);
    if (!(await first.ready)) return first.ended;
    this.#hold(1, first);
    const others: WorkerProcess[] = [];
    for (let number = 2; number <= this.#options.count && !this.#isStopping; number += 1) {
      const other = this.#begin(number);
      this.#hold(number, other);
      others.push(other);
    }
    await Promise.all(others.map(({ ready }) => ready));
    return undefined;
  }

  /** Replaces each worker by another one, which is given up where a new one does not come to serve. One restart at a time. */
  restart(): void {
    this.#isRestartWanted = true;
    this.#restarting ??= this.#restartAll().finally(() => {
      this.#restarting = undefined;
    });
  }

  /** @returns whether all ended within the time, and as they should */
  async stop(limitMs: number): Promise<boolean> {
    this.#stopping.abort();
    const endings = [...this.#living].map(async (worker) => {
      worker.stop();
      return (await worker.ended).code === 0;
    });
    const isOver = new AbortController();
    void this.#options.pause(limitMs, isOver.signal).then(() => {
      if (isOver.signal.aborted) return;
      this.#hasKilled = true;
      for (const worker of this.#living) worker.kill();
    });
    const results = await Promise.all(endings);
    isOver.abort();
    return !this.#hasKilled && results.every(Boolean);
  }

  get #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #begin(number: number): WorkerProcess {
    const worker = this.#options.startWorker(number);
    this.#living.add(worker);
    void worker.ended.then(() => this.#living.delete(worker));
    return worker;
  }

  /** From now on it is started again when it ends. */
  #hold(number: number, worker: WorkerProcess): void {
    const heldAt = this.#options.now();
    this.#holders.set(number, worker);
    void worker.ended.then((ending) => this.#startAgain(number, worker, heldAt, ending));
  }

  async #startAgain(number: number, worker: WorkerProcess, heldAt: number, ending: Ending): Promise<void> {
    const { now, pause, log } = this.#options;
    const isHolder = () => !this.#isStopping && this.#holders.get(number) === worker;
    if (!isHolder()) return;
    const isOld = now() - heldAt >= oldMs;
    const pauseMs = isOld
      ? firstPauseMs
      : Math.min(maxPauseMs, (this.#pauses.get(number) ?? 0) * 2 || firstPauseMs);
    this.#pauses.set(number, pauseMs);
    log.error({ worker: number, ...ending, pauseMs }, 'a worker ended, and is started again');
    await pause(pauseMs, this.#stopping.signal);
    if (isHolder()) this.#hold(number, this.#begin(number));
  }

  async #restartAll(): Promise<void> {
    const { count, log } = this.#options;
    await this.#starting;
    while (this.#isRestartWanted && !this.#isStopping) {
      this.#isRestartWanted = false;
      log.info({ workers: count }, 'the workers are replaced, one after the other');
      for (let number = 1; number <= count && !this.#isStopping; number += 1) {
        if (!(await this.#replace(number))) break;
      }
    }
  }

  /** False where the new one did not come to serve: the old one stays. */
  async #replace(number: number): Promise<boolean> {
    const { log } = this.#options;
    const next = this.#begin(number);
    if (!(await next.ready)) {
      if (!this.#isStopping)
        log.error({ worker: number, ...(await next.ended) }, 'a new worker did not start: the others stay');
      return false;
    }
    if (this.#isStopping) return false;
    const previous = this.#holders.get(number);
    this.#hold(number, next);
    previous?.stop();
    await previous?.ended;
    return true;
  }
}
