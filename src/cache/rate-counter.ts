/**
 * How often something happened within a window that begins with its first time. Counted here and at once; with counters that
 * processes share, exchanged in the background once a second, so that nobody waits for Redis. The price: what happens at other
 * processes is known up to a second later, and not at all while Redis is away.
 */

import { LRUCache } from 'lru-cache';
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { SharedCounters } from './redis-counters.ts';
import { upTo } from './up-to.ts';

export interface RateCounterOptions {
  /** Keeps the keys of one counter apart from those of another. */
  readonly name: string;
  readonly windowMs: number;
  /** Undefined where this process is alone. */
  readonly shared: SharedCounters | undefined;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly maxKeys?: number;
}

/** What is believed of a key. */
export interface Rate {
  readonly total: number;
  /** When the window is over; epoch milliseconds. */
  readonly endsAt: number;
}

interface Entry {
  total: number;
  endsAt: number;
  /** Of the total, what the others have not been told. */
  untold: number;
}

const defaultMaxKeys = 10_000;
const exchangeMs = 1000;
/** Of one exchange; the rest follows with the next. */
const maxExchanged = 2000;

export class RateCounter {
  readonly #options: RateCounterOptions;
  readonly #entries: LRUCache<string, Entry>;
  readonly #changed = new Map<string, Entry>();
  readonly #exchanges: RepeatedRun;

  constructor(options: RateCounterOptions) {
    this.#options = options;
    this.#entries = new LRUCache(upTo(options.maxKeys ?? defaultMaxKeys));
    this.#exchanges = new RepeatedRun({
      run: () => this.#exchange(),
      everyMs: exchangeMs,
      // What is shared says itself that it cannot be reached.
      onFailure: () => undefined,
    });
    if (options.shared) this.#exchanges.start();
  }

  /** Undefined where there is nothing in the window. */
  find(key: string): Rate | undefined {
    const entry = this.#entries.get(key);
    return entry && entry.endsAt > this.#options.now() && entry.total > 0 ? entry : undefined;
  }

  /** Adds one. */
  count(key: string): Rate {
    return this.#add(key, 1);
  }

  /** Takes one back that should not have been counted. */
  takeBack(key: string): void {
    if (this.find(key)) this.#add(key, -1);
  }

  /** As if it had never happened. */
  forget(key: string): void {
    const known = this.find(key);
    if (known) this.#add(key, -known.total);
  }

  /** Tells the others what was counted here, and hears from them. Never fails. */
  exchange(): Promise<void> {
    return this.#exchanges.flush();
  }

  close(): void {
    void this.#exchanges.stop();
  }

  #add(key: string, change: number): Rate {
    const { now, windowMs, shared } = this.#options;
    let entry = this.#entries.get(key);
    const at = now();
    if (!entry || entry.endsAt <= at) {
      entry = { total: 0, endsAt: at + windowMs, untold: 0 };
      this.#entries.set(key, entry);
    }
    entry.total += change;
    if (shared) {
      entry.untold += change;
      this.#changed.set(key, entry);
    }
    return entry;
  }

  async #exchange(): Promise<void> {
    const { shared, name, windowMs, now } = this.#options;
    if (!shared) return;
    const told = new Map<string, { readonly key: string; readonly entry: Entry; readonly change: number }>();
    for (const [key, entry] of this.#changed) {
      if (told.size >= maxExchanged) break;
      this.#changed.delete(key);
      const change = entry.untold;
      if (change !== 0 && entry.endsAt > now()) told.set(`${name}:${key}`, { key, entry, change });
    }
    if (told.size === 0) return;
    const changes = new Map([...told].map(([id, { change }]) => [id, change]));
    const counts = await shared.add(changes, windowMs);
    for (const [id, { key, entry, change }] of told) {
      const count = counts.get(id);
      if (count) {
        entry.untold -= change;
        entry.total = Math.max(0, count.total + entry.untold);
        entry.endsAt = now() + count.endsInMs;
      } else if (this.#entries.peek(key) === entry) {
        this.#changed.set(key, entry);
      }
    }
  }
}
