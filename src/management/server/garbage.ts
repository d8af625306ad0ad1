/** What the collector has done and will do, and why something is still here: for administrators. */

import type { GcCounts, GcRun } from '../../metadata/collector/gc-runs.ts';
import type { Holder } from '../../metadata/collector/holders.ts';
import {
  type QueueState,
  type Review,
  type ReviewKind,
  reviewKinds,
} from '../../metadata/collector/review-queue.ts';
import type { Database } from '../../metadata/db/database.ts';
import { type Digest, isDigest } from '../../oci/digest.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { demandAdministrator } from '../acting/rights.ts';

export interface GarbageServiceOptions {
  readonly database: Database;
  /** Lets the collector look soon at what is due. */
  readonly wakeCollector: () => void;
}

export interface GarbageState {
  readonly queues: Readonly<Record<ReviewKind, QueueState>>;
  /** The last ones first. */
  readonly runs: readonly GcRun[];
  /** What was removed in the last 30 days. */
  readonly removed: GcCounts;
}

/** One repository that has something, what keeps it there, and when that is looked at. */
export interface Held {
  readonly repository: string;
  /** The first few that keep it; empty: nothing does. */
  readonly holders: readonly Holder[];
  readonly review: Review | undefined;
}

export interface Reasons {
  readonly digest: Digest;
  /** In bytes. */
  readonly size: number;
  readonly repositories: readonly Held[];
  readonly entries: readonly (Holder & { readonly by: 'cache entry' })[];
  /** The review of the bytes or of the payload. */
  readonly review: Review | undefined;
}

const runsShown = 20;
/** How many holders of each kind are shown. */
const holdersShown = 100;

export class GarbageService {
  readonly #options: GarbageServiceOptions;

  constructor(options: GarbageServiceOptions) {
    this.#options = options;
  }

  /** @throws RefusedError unauthorized, forbidden */
  async describe(actor: Actor): Promise<GarbageState> {
    demandAdministrator(actor, 'read');
    const { reviewQueue, gcRuns } = this.#options.database;
    const states = await Promise.all(reviewKinds.map((kind) => reviewQueue.describe(kind)));
    const [manifest, link, blob, payload] = states;
    if (!manifest || !link || !blob || !payload) throw new Error('a queue has no state');
    const queues = { manifest, link, blob, payload };
    return { queues, runs: await gcRuns.list(runsShown), removed: await gcRuns.sum() };
  }

  /** What is due is looked at within seconds. @throws RefusedError unauthorized, forbidden */
  async run(actor: Actor): Promise<void> {
    demandAdministrator(actor, 'write');
    await this.#options.database.transaction((tx) =>
      recordChange(tx, actor, { action: 'gc.run', targetId: 'gc', details: {} }),
    );
    this.#options.wakeCollector();
  }

  /** @throws RefusedError unauthorized, forbidden, not-found */
  async explainBlob(actor: Actor, digest: string): Promise<Reasons> {
    demandAdministrator(actor, 'read');
    if (!isDigest(digest)) throw new RefusedError('not-found', 'Blob');
    const { blobs, holders, reviewQueue } = this.#options.database;
    const record = await blobs.find(digest);
    if (!record) throw new RefusedError('not-found', 'Blob');
    const found = await holders.listOfBlob(digest, holdersShown);
    const review = await reviewQueue.find('blob', digest);
    return this.#reasons('link', digest, record.size, found, review);
  }

  /** @throws RefusedError unauthorized, forbidden, not-found */
  async explainManifest(actor: Actor, digest: string): Promise<Reasons> {
    demandAdministrator(actor, 'read');
    if (!isDigest(digest)) throw new RefusedError('not-found', 'Manifest');
    const { manifests, holders, reviewQueue } = this.#options.database;
    const size = await manifests.findSize(digest);
    if (size === undefined) throw new RefusedError('not-found', 'Manifest');
    const found = await holders.listOfPayload(digest, holdersShown);
    const review = await reviewQueue.find('payload', digest);
    return this.#reasons('manifest', digest, size, found, review);
  }

  async #reasons(
    kind: 'link' | 'manifest',
    digest: Digest,
    size: number,
    found: readonly Holder[],
    review: Review | undefined,
  ): Promise<Reasons> {
    const repositories: Held[] = [];
    for (const holder of found) {
      if (holder.by !== 'repository') continue;
      const { repositoryId, repository } = holder;
      repositories.push({
        repository,
        holders: await this.#holdersIn(kind, repositoryId, digest),
        review: await this.#options.database.reviewQueue.find(kind, digest, repositoryId),
      });
    }
    const entries = found.filter((holder) => holder.by === 'cache entry');
    return { digest, size, repositories, entries, review };
  }

  async #holdersIn(
    kind: 'link' | 'manifest',
    repositoryId: number,
    digest: Digest,
  ): Promise<readonly Holder[]> {
    const { holders, repositoryManifests } = this.#options.database;
    if (kind === 'link') return holders.listOfLink(repositoryId, digest, holdersShown);
    const use = await repositoryManifests.findUse(repositoryId, digest);
    return holders.listOfManifest(repositoryId, digest, use?.subject, holdersShown);
  }
}
