/**
 * Beliefs that processes tell each other through their records, where there is no Redis: at a slow beat, in the background, so that no
 * request waits for the database. Where a process is alone it tells nothing and asks nothing.
 */
import { LRUCache } from 'lru-cache';
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Log } from '../observe/log.ts';
import type { SharedCount, SharedCounters } from './redis-counters.ts';
import type { SharedCache } from './shared.ts';
import { upTo } from './up-to.ts';

export interface ToldBelief {
  readonly key: string;
  readonly value: string;
  /** Epoch milliseconds. */
  readonly endsAt: number;
}

/** Where processes leave what they tell. */
export interface BeliefRecords {
  tell(beliefs: readonly ToldBelief[]): Promise<void>;
  /** What was told since, the oldest first. */
  hear(sinceId: number): Promise<readonly (ToldBelief & { readonly id: number })[]>;
  count(changes: ReadonlyMap<string, number>, windowMs: number): Promise<ReadonlyMap<string, SharedCount>>;
  /** Removes what is over. */
  sweep(): Promise<void>;
}

export interface ToldBeliefsOptions {
  /** Undefined where no other process can come. */
  readonly records: BeliefRecords | undefined;
  /** Whether there are other processes. */
  readonly hasOthers: () => boolean;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const maxKeys = 50_000;
const beatMs = 2000;
/** Of what is told at one beat; the rest is told at the next. */
const maxTold = 100;
/** What waits to be told; of more, the oldest is not. */
const maxWaiting = 1000;

export class ToldBeliefs implements SharedCache {
  readonly #options: ToldBeliefsOptions;
  readonly #known = new LRUCache<string, ToldBelief>(upTo(maxKeys));
  readonly #untold = new LRUCache<string, ToldBelief>(upTo(maxWaiting));
  readonly #beats: RepeatedRun;
  #heardId = 0;
  readonly counters: SharedCounters | undefined;

  constructor(options: ToldBeliefsOptions) {
    this.#options = options;
    this.#beats = new RepeatedRun({
      run: () => this.#beat(),
      everyMs: beatMs,
      onFailure: (err, pauseMs) =>
        options.log.warn({ err, pauseMs }, 'what processes believe was not exchanged'),
    });
    if (options.records) this.#beats.start();
    this.counters = options.records && counting(options.records, options.hasOthers);
  }

  async find(key: string): Promise<string | undefined> {
    const belief = this.#known.get(key);
    return belief && belief.endsAt > this.#options.now() ? belief.value : undefined;
  }

  async remember(key: string, value: string, ttlMs: number): Promise<void> {
    const belief = { key, value, endsAt: this.#options.now() + ttlMs };
    this.#known.set(key, belief);
    this.#untold.set(key, belief);
  }

  /** There is nothing of its own that could be away. */
  async check(): Promise<void> {}

  /** Tells the others what they were not told, and hears from them. Never fails. */
  exchange(): Promise<void> {
    return this.#beats.flush();
  }

  async close(): Promise<void> {
    await this.#beats.stop();
  }

  async #beat(): Promise<void> {
    const { records, hasOthers, now } = this.#options;
    if (!records || !hasOthers()) return;
    const told = [...this.#untold.rvalues()].flatMap((belief) => belief ?? []).slice(0, maxTold);
    const holding = told.filter(({ endsAt }) => endsAt > now());
    if (holding.length > 0) await records.tell(holding);
    for (const belief of told) if (this.#untold.peek(belief.key) === belief) this.#untold.delete(belief.key);
    for (const { id, ...belief } of await records.hear(this.#heardId)) {
      this.#heardId = id;
      // What waits to be told is newer.
      if (!this.#untold.has(belief.key)) this.#known.set(belief.key, belief);
    }
    await records.sweep();
  }
}

function counting(records: BeliefRecords, hasOthers: () => boolean): SharedCounters {
  return {
    add: async (changes, windowMs) => (hasOthers() ? records.count(changes, windowMs) : new Map()),
  };
}
