/**
 * What is handed over without waiting, and recorded together from time to time: whoever adds writes nothing, and nothing of theirs fails.
 * What could not be recorded is kept for the next time. Beyond the bound what is new is lost, and counted.
 */
import { setImmediate as others } from 'node:timers/promises';
import { RepeatedRun } from './repeated-run.ts';

/** SQLite writes so many rows within a few milliseconds, in which nothing else can happen. */
const maxBatch = 100;

export interface WriteBehindOptions<Key, Value> {
  /** At most a hundred, the oldest first. Where it throws, all that it was given is kept. */
  readonly record: (batch: ReadonlyMap<Key, Value>) => Promise<void>;
  /** What two values of one key amount to. */
  readonly merge: (older: Value, newer: Value) => Value;
  readonly everyMs: number;
  /** Keys that wait at most. */
  readonly max: number;
  /** Asked before each time. False: all is kept for the next one. */
  readonly prepare?: () => boolean | Promise<boolean>;
  /** To be logged. @param kept keys that wait */
  readonly onFailure: (error: unknown, kept: number) => void;
  /** To be logged. @param count since it was last called */
  readonly onLost: (count: number) => void;
}

export class WriteBehind<Key, Value> {
  readonly #options: WriteBehindOptions<Key, Value>;
  readonly #runs: RepeatedRun;
  #waiting = new Map<Key, Value>();
  /** That are being recorded, and what follows them at the same time. */
  #taken = new Map<Key, Value>();
  #lost = 0;

  constructor(options: WriteBehindOptions<Key, Value>) {
    this.#options = options;
    this.#runs = new RepeatedRun({
      run: () => this.#run(),
      everyMs: options.everyMs,
      onFailure: (error) => options.onFailure(error, this.#waiting.size),
    });
  }

  /** Records from time to time, from now on. */
  start(): void {
    this.#runs.start();
  }

  /** Nothing waits to be recorded. */
  get isEmpty(): boolean {
    return this.#waiting.size === 0;
  }

  add(key: Key, value: Value): void {
    if (this.#waiting.has(key)) put(this.#waiting, key, value, this.#options.merge);
    else if (this.#waiting.size + this.#taken.size < this.#options.max) this.#waiting.set(key, value);
    else this.lose();
  }

  /** Counts what could not even be added. */
  lose(): void {
    this.#lost += 1;
  }

  /** Resolves when everything added before is recorded, or kept for the next time. */
  flush(): Promise<void> {
    return this.#runs.flush();
  }

  /** Records what there is. */
  async close(): Promise<void> {
    await this.#runs.stop();
    await this.flush();
  }

  async #run(): Promise<void> {
    const { prepare, onLost } = this.#options;
    const isReady = prepare === undefined || (await prepare());
    if (this.#lost > 0) onLost(this.#lost);
    this.#lost = 0;
    if (isReady) await this.#recordWaiting();
  }

  async #recordWaiting(): Promise<void> {
    const { record, merge } = this.#options;
    const taken = this.#waiting;
    this.#taken = taken;
    this.#waiting = new Map();
    try {
      while (taken.size > 0) {
        const batch = new Map(taken.entries().take(maxBatch));
        await record(batch);
        for (const key of batch.keys()) taken.delete(key);
        if (taken.size > 0) await others();
      }
    } catch (error) {
      for (const [key, newer] of this.#waiting) put(taken, key, newer, merge);
      this.#waiting = taken;
      throw error;
    } finally {
      this.#taken = new Map();
    }
  }
}

function put<Key, Value>(
  map: Map<Key, Value>,
  key: Key,
  newer: Value,
  merge: (older: Value, newer: Value) => Value,
): void {
  const older = map.get(key);
  map.set(key, older === undefined ? newer : merge(older, newer));
}
