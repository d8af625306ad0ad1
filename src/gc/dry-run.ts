/**
 * What the collector would do, found out by reading alone: on a database that nothing can be written to. What would go is taken for gone
 * by what is looked at afterwards, so that what follows from it is found too.
 */

import type { ReviewEvent } from '../metadata/collector/enqueue-reviews.ts';
import type { GcCounts } from '../metadata/collector/gc-runs.ts';
import { type Review, type ReviewKind, reviewKinds } from '../metadata/collector/review-queue.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Digest } from '../oci/digest.ts';
import type { Outcome } from './collector.ts';
import { listUntagged, type UntaggedRule } from './untagged-rule.ts';
import { judge, type Rules } from './verdict.ts';

export interface DryRunOptions extends Rules, UntaggedRule {
  /** As of RunOptions. */
  readonly isEarly?: boolean;
  /** In their order: manifests, links, blobs, payloads. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

type DryRecords = Pick<
  Records,
  | 'reviewQueue'
  | 'blobs'
  | 'manifests'
  | 'repositoryBlobs'
  | 'repositoryManifests'
  | 'holders'
  | 'instance'
  | 'repositories'
  | 'reviews'
>;

const pageSize = 1000;

/** @param records of one read-only transaction */
export async function dryRun(records: DryRecords, options: DryRunOptions): Promise<GcCounts> {
  const run = new DryRun(records, options);
  await run.lookAgain();
  for (const kind of reviewKinds) await run.look(kind);
  return run.counts;
}

class DryRun {
  readonly counts = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };
  readonly #records: DryRecords;
  readonly #options: DryRunOptions;
  readonly #gone = {
    manifests: new Map<number, Set<Digest>>(),
    links: new Map<number, Set<Digest>>(),
  };
  /** What the end of something else puts up for review at once. */
  readonly #following: Record<ReviewKind, Map<string, Review>> = {
    manifest: new Map(),
    link: new Map(),
    blob: new Map(),
    payload: new Map(),
  };
  readonly #removed = new Set<string>();
  /** What the end of something else puts off. */
  readonly #postponed = new Set<string>();

  constructor(records: DryRecords, options: DryRunOptions) {
    this.#records = records;
    this.#options = options;
  }

  /** What the rule for manifests without a tag brings up, and the queue does not have, or has for later. */
  async lookAgain(): Promise<void> {
    for await (const { repositoryId, digest } of listUntagged(this.#records, this.#options)) {
      const review = reviewOf('manifest', digest, repositoryId, this.#options.now(), 'untagged');
      this.#following.manifest.set(keyOf(review), review);
    }
  }

  async look(kind: ReviewKind): Promise<void> {
    const { isEarly = false, repositoryId } = this.#options;
    const ofRepository = kind === 'manifest' || kind === 'link';
    if (ofRepository || repositoryId === undefined) {
      for (let offset = 0; ; offset += pageSize) {
        const due = { isEarly, repositoryId, limit: pageSize, offset };
        const reviews = await this.#records.reviewQueue.list(kind, due);
        for (const review of reviews) {
          this.#following[kind].delete(keyOf(review));
          await this.#one(review);
        }
        if (reviews.length < pageSize) break;
      }
    }
    const following = this.#following[kind];
    for (const [key, review] of following) {
      following.delete(key);
      await this.#one(review);
    }
  }

  async #one(review: Review): Promise<void> {
    const { kind, digest, repositoryId } = review;
    const key = keyOf(review);
    if (this.#removed.has(key) || this.#postponed.has(key)) return;
    const verdict = await judge(this.#records, this.#options, review, this.#gone);
    this.counts.reviewed += 1;
    const bytes = verdict.is === 'garbage' ? await this.#bytesOf(review) : 0;
    this.#options.onOutcome?.({ review, verdict, bytes });
    if (verdict.is !== 'garbage') return;
    this.#removed.add(key);
    if (kind === 'manifest') await this.#removeManifest(review);
    if (kind === 'link') {
      this.counts.links += 1;
      addTo(this.#gone.links, repositoryId, digest);
      await this.#followLink(digest);
    }
    if (kind === 'payload') this.counts.payloads += 1;
    if (kind !== 'blob') return;
    this.counts.blobs += 1;
    this.counts.bytes += bytes;
  }

  async #removeManifest({ digest, repositoryId }: Review): Promise<void> {
    this.counts.manifests += 1;
    addTo(this.#gone.manifests, repositoryId, digest);
    const { repositoryManifests } = this.#records;
    for (const held of await repositoryManifests.listHeld(repositoryId, digest)) {
      this.#defer('manifest', held, repositoryId);
      this.#defer('link', held, repositoryId);
    }
    this.#defer('payload', digest, 0);
  }

  /** It is looked at after another delay: in this run only where delays do not count. */
  #defer(kind: ReviewKind, digest: Digest, repositoryId: number): void {
    const { isEarly = false, now } = this.#options;
    const review = reviewOf(kind, digest, repositoryId, now(), 'manifest_delete');
    if (isEarly) this.#following[kind].set(keyOf(review), review);
    else this.#postponed.add(keyOf(review));
  }

  /** At once, unless an event asked for a later review. */
  async #followLink(digest: Digest): Promise<void> {
    const { isEarly = false, now } = this.#options;
    const waiting = await this.#records.reviewQueue.find('blob', digest);
    if (!isEarly && waiting && waiting.reviewAfter > now()) return;
    const review = reviewOf('blob', digest, 0, now(), 'link_collect');
    this.#following.blob.set(keyOf(review), review);
  }

  async #bytesOf({ kind, digest }: Review): Promise<number> {
    if (kind === 'blob') return (await this.#records.blobs.find(digest))?.size ?? 0;
    if (kind === 'payload') return (await this.#records.manifests.findSize(digest)) ?? 0;
    return 0;
  }
}

function reviewOf(
  kind: ReviewKind,
  digest: Digest,
  repositoryId: number,
  reviewAfter: number,
  event: ReviewEvent,
): Review {
  return { kind, digest, repositoryId, reviewAfter, event, failures: 0, lastError: undefined };
}

function keyOf({ kind, digest, repositoryId }: Review): string {
  return `${kind} ${repositoryId} ${digest}`;
}

function addTo(sets: Map<number, Set<Digest>>, key: number, digest: Digest): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(digest));
}
