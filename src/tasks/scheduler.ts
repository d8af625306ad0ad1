/**
 * Runs tasks when they are due, each in one process at a time, whichever has it first: who runs a task holds its lease in SQL and renews
 * it; the task of a process that died goes on elsewhere when the lease is over. In read-only mode nothing runs.
 */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Tasks } from '../metadata/server/tasks.ts';
import type { Log } from '../observe/log.ts';
import type { Task } from './task.ts';

export interface SchedulerOptions {
  readonly tasks: readonly Task[];
  readonly records: Tasks;
  /** Of this process, unlike all others. */
  readonly owner: string;
  /** Why nothing may be changed now; undefined: it may. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** How often what is due is looked for. */
  readonly pollMs?: number;
  /** How long a dead process keeps its tasks. */
  readonly leaseMs?: number;
}

const firstPauseMs = 10_000;
const maxErrorLength = 1000;

export class Scheduler {
  readonly #options: SchedulerOptions;
  readonly #tasks: ReadonlyMap<string, Task>;
  readonly #leaseMs: number;
  readonly #running = new Map<string, Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #polls: RepeatedRun;

  constructor(options: SchedulerOptions) {
    this.#options = options;
    this.#tasks = new Map(options.tasks.map((task) => [task.name, task]));
    this.#leaseMs = options.leaseMs ?? 20_000;
    this.#polls = new RepeatedRun({
      run: () => this.#startDue(),
      everyMs: options.pollMs ?? 1000,
      onFailure: (err, pauseMs) => options.log.error({ err, pauseMs }, 'jobs that are due were not started'),
    });
  }

  /** Looks for what is due now and from time to time. @throws what the database throws */
  async start(): Promise<void> {
    for (const { name, everyMs } of this.#tasks.values()) await this.#options.records.ensure(name, everyMs);
    this.#polls.start();
    this.#polls.ask();
  }

  /** Runs a task at once, wherever; what is running runs again. Never waits for it. */
  wake(name: string): void {
    this.#options.records.wake(name).then(
      () => this.#polls.ask(),
      (error: unknown) => this.#options.log.error({ err: error, job: name }, 'a job was not woken'),
    );
  }

  /** Waits for what runs, which is told to stop. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#polls.stop();
    await Promise.all(this.#running.values());
  }

  /** @throws what the database throws: what cannot be taken is not tried at once again */
  async #startDue(): Promise<void> {
    const { records, readOnlyReason, owner } = this.#options;
    const { signal } = this.#stopping;
    if (signal.aborted || (await readOnlyReason()) !== undefined) return;
    for (const name of await records.listDue()) {
      const task = this.#tasks.get(name);
      if (!task || this.#running.has(name) || signal.aborted) continue;
      const failures = await records.take(name, owner, this.#leaseMs);
      if (failures === undefined) continue;
      const running = this.#runOnce(task, failures).finally(() => this.#running.delete(name));
      this.#running.set(name, running);
    }
  }

  async #runOnce(task: Task, failures: number): Promise<void> {
    const { records, owner, log } = this.#options;
    const end = await this.#run(task, failures);
    try {
      await records.end(task.name, owner, end);
      // What was woken meanwhile is due.
      this.#polls.ask();
    } catch (error) {
      log.error({ err: error, job: task.name, pauseMs: this.#polls.pause() }, 'a job was not recorded');
    }
  }

  async #run(task: Task, failures: number) {
    const { log, now } = this.#options;
    const lost = new AbortController();
    const renewing = setInterval(() => this.#renew(task, lost), this.#leaseMs / 3).unref();
    const signal = AbortSignal.any([this.#stopping.signal, lost.signal]);
    try {
      const { result, again = false } = await task.run(signal);
      const isUnfinished = again || signal.aborted;
      return { result, nextRunAt: now() + (isUnfinished ? 0 : task.everyMs) };
    } catch (error) {
      const pauseMs = Math.min(task.everyMs, firstPauseMs * 2 ** failures);
      if (!signal.aborted) log.error({ err: error, job: task.name, pauseMs }, 'a job failed');
      const text = error instanceof Error ? error.message : String(error);
      return { error: text.slice(0, maxErrorLength), nextRunAt: now() + pauseMs };
    } finally {
      clearInterval(renewing);
    }
  }

  #renew({ name }: Task, lost: AbortController): void {
    const { records, owner, log } = this.#options;
    records.renew(name, owner, this.#leaseMs).then(
      (isOurs) => {
        if (!isOurs) lost.abort();
      },
      (error: unknown) => log.warn({ err: error, job: name }, 'the lease of a job was not renewed'),
    );
  }
}
