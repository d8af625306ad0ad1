/**
 * Sends what is pending: each repository's events to an endpoint one after another, many repositories and endpoints at a time. A worker
 * of its own and no task of the scheduler: many run at once, an event is told within a second, and each lane has its lease.
 */
import { randomUUID } from 'node:crypto';
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Records } from '../metadata/db/records.ts';
import type { DueLane, Lane } from '../metadata/webhooks/webhook-lanes.ts';
import { type DeliveryOptions, type Reply, tryDelivery } from './delivery.ts';
import { LaneShares, type RunningLane } from './lane-shares.ts';
import type { FindEndpoint, WebhookEndpoint } from './webhook-endpoint.ts';

export interface DeliveryWorkerOptions extends DeliveryOptions {
  readonly records: Pick<Records, 'webhookDeliveries' | 'webhookLanes'>;
  readonly endpoints: FindEndpoint;
  /** Why nothing may be changed now; undefined: it may. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  /** Lanes at a time, of this process, whose endpoints answer soon. */
  readonly maxLanes: number;
}

const pollMs = 500;
/** After so long a try has no place any more that others wait for. */
const promptMs = 100;
const lanesListed = 100;
/** Beyond the time-out of a try: how long a dead process keeps a lane at most. */
const leaseMarginMs = 15_000;
/** For other lanes to get their turn. */
const maxInTurn = 100;
/** Until it is looked again whether an endpoint that this process knows nothing of is there. */
const absentMs = 30_000;
const maxPauseMs = 10 * 60 * 1000;

export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions;
  readonly #owner = randomUUID();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  readonly #shares: LaneShares;
  readonly #polls: RepeatedRun;

  constructor(options: DeliveryWorkerOptions) {
    this.#options = options;
    this.#shares = new LaneShares(options.maxLanes);
    this.#polls = new RepeatedRun({
      run: () => this.#takeDue(),
      everyMs: pollMs,
      onFailure: (err, pauseMs) =>
        options.log.error({ err, pauseMs }, 'events that are to be delivered were not found'),
    });
  }

  start(): void {
    this.#polls.start();
  }

  /** Breaks off what is being sent, which is sent again later. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#polls.stop();
    await Promise.all(this.#running);
  }

  async #takeDue(): Promise<void> {
    const { records, readOnlyReason } = this.#options;
    const { mayRun } = this.#shares;
    if (this.#stopping.signal.aborted || !mayRun || (await readOnlyReason()) !== undefined) return;
    const due = await records.webhookLanes.listDue(mayRun, lanesListed);
    let taken = 0;
    for (const lane of due) {
      if (this.#stopping.signal.aborted) return;
      if (this.#shares.allows(lane) && (await this.#take(lane))) taken += 1;
    }
    // Behind so many of those that have enough now there may be others.
    if (taken > 0 && due.length === lanesListed) this.#polls.ask();
  }

  /** False where another was quicker. */
  async #take(due: DueLane): Promise<boolean> {
    const { records, log } = this.#options;
    const lane = await records.webhookLanes.take(due, this.#owner, leaseMarginMs);
    if (!lane) return false;
    const { webhookId } = due;
    const share = this.#shares.start(due);
    const running = this.#deliver(lane, share)
      .catch((err: unknown) => {
        log.error({ err, webhook: webhookId, pauseMs: this.#polls.pause() }, 'events were not delivered');
      })
      .finally(() => {
        this.#running.delete(running);
        share.ended();
        // Others may have waited for room.
        this.#polls.ask();
      });
    this.#running.add(running);
    return true;
  }

  /** Until nothing is pending, or something failed. */
  async #deliver(taken: Lane, share: RunningLane): Promise<void> {
    const { records, now } = this.#options;
    const { webhookLanes, webhookDeliveries } = records;
    const endpoint = await this.#find(taken.webhookId);
    if (!endpoint) return webhookLanes.release(taken, now() + absentMs);
    for (let sent = 0; sent < maxInTurn && !this.#stopping.signal.aborted; sent += 1) {
      const lane = await webhookLanes.renew(taken, endpoint.timeoutMs + leaseMarginMs);
      if (!lane) return;
      const delivery = await webhookDeliveries.findNext(lane);
      if (!delivery) {
        if (await webhookLanes.close(lane)) return;
        continue;
      }
      const stepAside = setTimeout(() => {
        share.waits(true);
        this.#polls.ask();
      }, promptMs);
      const tried = await tryDelivery(this.#options, endpoint, delivery, this.#stopping.signal).finally(
        () => {
          clearTimeout(stepAside);
          share.waits(false);
        },
      );
      if (tried) share.answered(!tried.reply.isDown);
      if (tried?.state === 'pending')
        return this.#retryLater(lane, endpoint, delivery.attempts + 1, tried.reply);
    }
    await webhookLanes.release(taken, now());
  }

  /** Undefined too where its secrets do not open, as with another secret key: it waits for the right one. */
  async #find(id: number): Promise<WebhookEndpoint | undefined> {
    const { endpoints, log } = this.#options;
    try {
      return await endpoints.find(id);
    } catch (error) {
      log.error({ err: error, webhook: id }, 'an endpoint cannot be told anything');
      return undefined;
    }
  }

  async #retryLater(
    lane: Lane,
    { id, backoffMs }: WebhookEndpoint,
    failures: number,
    { isDown, retryAfterMs = 0 }: Reply,
  ): Promise<void> {
    const { records, now } = this.#options;
    const pauseMs = Math.max(retryAfterMs, backOff(failures, backoffMs, Math.random()));
    await records.webhookLanes.release(lane, now() + pauseMs);
    if (isDown) await records.webhookLanes.postpone(id, now() + pauseMs);
  }
}

/**
 * How long to wait after a try that failed: it doubles each time, up to ten minutes, and is never twice the same, so that what failed
 * together does not come back together.
 * @param failures of this event so far, from 1
 * @param random from 0 to 1
 */
export function backOff(failures: number, firstMs: number, random: number): number {
  const pauseMs = Math.min(maxPauseMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(pauseMs * (0.5 + random / 2));
}
