/**
 * What the collector would do, found out by reading alone: on a database that nothing can be written to. What would go is taken for gone
 * by what is looked at afterwards, so that what follows from it is found too.
 */
import type { GcCounts } from '../metadata/gc-runs.ts';
import type { Records } from '../metadata/records.ts';
import { type Review, type ReviewKind, reviewKinds } from '../metadata/review-queue.ts';
import type { Digest } from '../oci/digest.ts';
import type { Outcome } from './collector.ts';
import { judge, type Rules } from './verdict.ts';

export interface DryRunOptions extends Rules {
  /** As of RunOptions. */
  readonly isEarly?: boolean;
  readonly repositoryId?: number | undefined;
  /** In their order: manifests, links, blobs, payloads. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

type DryRecords = Pick<
  Records,
  'reviewQueue' | 'blobs' | 'manifests' | 'repositoryBlobs' | 'repositoryManifests' | 'holders'
>;

const pageSize = 1000;

/** @param records of one read-only transaction */
export async function dryRun(records: DryRecords, options: DryRunOptions): Promise<GcCounts> {
  const run = new DryRun(records, options);
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

  constructor(records: DryRecords, options: DryRunOptions) {
    this.#records = records;
    this.#options = options;
  }

  async look(kind: ReviewKind): Promise<void> {
    const { isEarly = false, repositoryId } = this.#options;
    const ofRepository = kind === 'manifest' || kind === 'link';
    if (ofRepository || repositoryId === undefined) {
      for (let offset = 0; ; offset += pageSize) {
        const due = { isEarly, repositoryId, limit: pageSize, offset };
        const reviews = await this.#records.reviewQueue.list(kind, due);
        for (const review of reviews) await this.#one(review);
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
    if (this.#removed.has(key)) return;
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
      await this.#follow('blob', digest, 0, true);
    }
    if (kind === 'payload') this.counts.payloads += 1;
    if (kind !== 'blob') return;
    this.counts.blobs += 1;
    this.counts.bytes += bytes;
  }

  /** What it held is looked at after another delay: in this run only where delays do not count. */
  async #removeManifest({ digest, repositoryId }: Review): Promise<void> {
    const { isEarly = false } = this.#options;
    this.counts.manifests += 1;
    addTo(this.#gone.manifests, repositoryId, digest);
    if (!isEarly) return;
    const { repositoryManifests } = this.#records;
    for (const held of await repositoryManifests.listHeld(repositoryId, digest)) {
      await this.#follow('manifest', held, repositoryId, false);
      await this.#follow('link', held, repositoryId, false);
    }
    await this.#follow('payload', digest, 0, false);
  }

  /** @param isDue unless an event asked for a later review */
  async #follow(kind: ReviewKind, digest: Digest, repositoryId: number, isDue: boolean): Promise<void> {
    const { isEarly = false, now } = this.#options;
    const waiting = await this.#records.reviewQueue.find(kind, digest, repositoryId);
    if (!isEarly && (!isDue || (waiting && waiting.reviewAfter > now()))) return;
    const review: Review = waiting ?? {
      kind,
      digest,
      repositoryId,
      reviewAfter: now(),
      event: kind === 'blob' ? 'link_collect' : 'manifest_delete',
      failures: 0,
      lastError: undefined,
      claimedUntil: undefined,
    };
    this.#following[kind].set(keyOf(review), review);
  }

  async #bytesOf({ kind, digest }: Review): Promise<number> {
    if (kind === 'blob') return (await this.#records.blobs.find(digest))?.size ?? 0;
    if (kind === 'payload') return (await this.#records.manifests.findSize(digest)) ?? 0;
    return 0;
  }
}

function keyOf({ kind, digest, repositoryId }: Review): string {
  return `${kind} ${repositoryId} ${digest}`;
}

function addTo(sets: Map<number, Set<Digest>>, key: number, digest: Digest): void {
  sets.set(key, (sets.get(key) ?? new Set()).add(digest));
}
