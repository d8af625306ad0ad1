/** What becomes of an entry that is no longer fresh: one HEAD decides, GET where that says no, and whatever fails leaves the stale copy. */

import { LRUCache } from 'lru-cache';
import { upTo } from '../cache/up-to.ts';
import { SingleFlight } from '../concurrency/single-flight.ts';
import type { CacheEntries } from '../metadata/cached/cache-entries.ts';
import type { CacheEntry } from '../metadata/cached/cache-entry.ts';
import { MissingOwner } from '../metadata/db/violations.ts';
import type { Log } from '../observe/log.ts';
import type { Reference } from '../oci/reference.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { ManifestFetch, PulledManifest } from './manifest-fetch.ts';
import type { Answer } from './refusal.ts';
import type { Source } from './source.ts';

export type Revalidated =
  /** The entry holds. */
  | { readonly state: 'revalidated'; readonly checkedAt: number }
  /** The upstream has another manifest now. */
  | { readonly state: 'updated'; readonly manifest: PulledManifest }
  /** The upstream no longer has it. */
  | { readonly state: 'gone'; readonly answer: Answer }
  /** The upstream refused us: the others are asked before the stale copy is served. */
  | { readonly state: 'refused'; readonly answer: Answer }
  | { readonly state: 'stale' };

export interface RevalidationOptions {
  readonly fetch: ManifestFetch;
  readonly entries: Pick<CacheEntries, 'touch' | 'linkManifest'>;
  /** How long an entry is not asked about again after its upstream failed. */
  readonly backoffMs: number;
  readonly log: Log;
  readonly now: () => number;
}

const backoffsRemembered = 10_000;

export class Revalidation {
  readonly #options: RevalidationOptions;
  readonly #flights = new SingleFlight<Revalidated>();
  /** Entry → when it may be asked about again, in epoch milliseconds. */
  readonly #notBefore = new LRUCache<number, number>(upTo(backoffsRemembered));

  constructor(options: RevalidationOptions) {
    this.#options = options;
  }

  /** Exactly one run for any number of concurrent pulls. Never throws for what an upstream does. */
  run(entry: CacheEntry, source: Source, reference: Reference, signal: AbortSignal): Promise<Revalidated> {
    if (this.#options.now() < (this.#notBefore.get(entry.id) ?? 0))
      return Promise.resolve({ state: 'stale' });
    const ask = (unwanted: AbortSignal) => this.#ask(entry, source, reference, unwanted);
    return this.#flights.run(String(entry.id), ask, signal).outcome;
  }

  async #ask(
    entry: CacheEntry,
    source: Source,
    reference: Reference,
    signal: AbortSignal,
  ): Promise<Revalidated> {
    const { fetch, entries, now } = this.#options;
    try {
      const head = await source.upstream.headManifest(source.repository, reference, signal).catch(unlessNo);
      if (head?.digest !== entry.digest) {
        if (source.upstream.settings.quarantine) await this.#keepOlder(entry);
        const manifest = await fetch.fetch(source, reference, head, signal);
        if (manifest.digest !== entry.digest) return { state: 'updated', manifest };
      }
      const checkedAt = now();
      await entries.touch(entry.id, checkedAt);
      return { state: 'revalidated', checkedAt };
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return this.#failed(entry, { source, error });
    }
  }

  /** What the tag named so far may be what it is answered with for a while: it stays linked by its digest. */
  async #keepOlder(entry: CacheEntry): Promise<void> {
    try {
      await this.#options.entries.linkManifest({ ...entry, kind: 'manifest', reference: entry.digest });
    } catch (error) {
      if (!(error instanceof MissingOwner)) throw error;
    }
  }

  #failed(entry: CacheEntry, answer: Answer): Revalidated {
    const { log, now, backoffMs } = this.#options;
    const { error, source } = answer;
    if (error.kind === 'not-found') return { state: 'gone', answer };
    this.#notBefore.set(entry.id, now() + Math.max(backoffMs, error.retryAfterMs ?? 0));
    const { repository, reference } = entry;
    const fields = { upstream: source.upstream.settings.name, repository, reference, reason: error.message };
    if (error.kind === 'unauthorized') {
      log.warn(fields, 'not revalidated: the upstream refused; asking the others');
      return { state: 'refused', answer };
    }
    if (error.kind === 'invalid') log.error(fields, 'not revalidated: serving the stale copy');
    else log.warn(fields, 'not revalidated: serving the stale copy');
    return { state: 'stale' };
  }
}

/** Before an entry is given up, GET is asked, which has the last word. */
function unlessNo(error: unknown): undefined {
  const isNo =
    error instanceof OutboundError && (error.kind === 'not-found' || error.kind === 'unauthorized');
  if (!isNo) throw error;
  return undefined;
}
