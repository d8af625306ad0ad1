/** Says from time to time that this process lives, so that others find it, and that it leaves. */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Processes } from '../metadata/server/processes.ts';
import type { Log } from '../observe/log.ts';

export interface HeartbeatOptions {
  /** Of this process, unlike all others. */
  readonly id: string;
  readonly name: string;
  readonly version: string;
  /** Where other processes reach it, as host:port; undefined: they do not. */
  readonly address: string | undefined;
  readonly records: Processes;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A third of what others wait. */
const everyMs = 10_000;

export class Heartbeat {
  readonly #options: HeartbeatOptions;
  readonly #beats: RepeatedRun;
  #others = 0;

  constructor(options: HeartbeatOptions) {
    const { id, name, version, address, records, log, now } = options;
    const startedAt = now();
    this.#options = options;
    this.#beats = new RepeatedRun({
      run: async () => {
        await records.beat({ id, name, version, address, startedAt });
        this.#others = (await records.list()).length - 1;
      },
      everyMs,
      onFailure: (err, pauseMs) =>
        log.warn({ err, pauseMs }, 'other processes were not told that this one lives'),
    });
  }

  /** Whether other processes lived at the last beat. */
  get hasOthers(): boolean {
    return this.#others > 0;
  }

  /** Once the others are told, or could not be. */
  async start(): Promise<void> {
    this.#beats.start();
    await this.#beats.flush();
  }

  /** Does not fail: without it the others notice a little later. */
  async close(): Promise<void> {
    const { id, records, log } = this.#options;
    await this.#beats.stop();
    await records
      .remove(id)
      .catch((err: unknown) => log.warn({ err }, 'other processes were not told that this one stops'));
  }
}
