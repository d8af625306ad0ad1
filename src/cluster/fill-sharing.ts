/** Fills that this process shares with others, whose leases it renews as long as they go on. */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { FillLease, FillLeases } from '../metadata/server/fill-leases.ts';
import type { Log } from '../observe/log.ts';
import type { PeerClient } from './peer-client.ts';
import type { Peers } from './peers.ts';
import { type FillIdentity, SharedFill } from './shared-fill.ts';

export interface FillSharingOptions {
  readonly records: FillLeases;
  readonly client: Pick<PeerClient, 'ask'>;
  readonly peers: Pick<Peers, 'areThere' | 'self' | 'avoid'>;
  readonly log: Log;
  /** How long a process that says nothing keeps its leases, where nobody has noticed before. */
  readonly leaseMs?: number;
}

const defaultLeaseMs = 15_000;

export class FillSharing {
  readonly #options: FillSharingOptions;
  readonly #leaseMs: number;
  readonly #held = new Set<FillLease>();
  readonly #renewals: RepeatedRun;

  constructor(options: FillSharingOptions) {
    const { leaseMs = defaultLeaseMs, log } = options;
    this.#options = options;
    this.#leaseMs = leaseMs;
    this.#renewals = new RepeatedRun({
      run: () => this.#renew(),
      everyMs: leaseMs / 3,
      onFailure: (err, pauseMs) => log.warn({ err, pauseMs }, 'leases of fills were not renewed'),
    });
  }

  start(): void {
    this.#renewals.start();
  }

  /**
   * Undefined while there is no other process: nothing is asked of the database then.
   * @param isStored as of {@link SharedFill}
   */
  share(fill: FillIdentity, isStored: () => Promise<boolean>): SharedFill | undefined {
    const { records, client, peers, log } = this.#options;
    if (!peers.areThere) return undefined;
    return new SharedFill(fill, isStored, {
      records,
      client,
      peers,
      leaseMs: this.#leaseMs,
      held: this.#held,
      log,
    });
  }

  /** When no fill runs any more. */
  close(): Promise<void> {
    return this.#renewals.stop();
  }

  async #renew(): Promise<void> {
    if (this.#held.size === 0) return;
    const keys = [...this.#held].map(({ key }) => key);
    await this.#options.records.renew(this.#options.peers.self.id, keys, this.#leaseMs);
  }
}
