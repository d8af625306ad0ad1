/**
 * Sends what is pending: each repository's events to an endpoint one after another, many repositories and endpoints at a time. A worker
 * of its own and no job of the scheduler: many run at once, an event is told within a second, and each lane has its lease.
 */
import { randomUUID } from 'node:crypto';
import { RepeatedRun } from '../background/repeated-run.ts';
import type { Records } from '../metadata/records.ts';
import type { Lane, LaneKey } from '../metadata/webhook-lanes.ts';
import { backOff } from './back-off.ts';
import { type DeliveryOptions, type Reply, tryDelivery } from './delivery.ts';
import type { FindEndpoint, WebhookEndpoint } from './webhook-endpoint.ts';

export interface DeliveryWorkerOptions extends DeliveryOptions {
  readonly records: Pick<Records, 'webhookDeliveries' | 'webhookLanes'>;
  readonly endpoints: FindEndpoint;
  /** Why nothing may be changed now; undefined: it may. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  /** Lanes at a time, of this process. */
  readonly maxLanes: number;
  /** Of them for one endpoint, so that one that hangs leaves room for the others. */
  readonly maxLanesPerEndpoint: number;
}

const pollMs = 500;
/** Beyond the time-out of a try: how long a dead process keeps a lane at most. */
const leaseMarginMs = 15_000;
/** For other lanes to get their turn. */
const maxInTurn = 100;
/** Until it is looked again whether an endpoint that this process knows nothing of is there. */
const absentMs = 30_000;

export class DeliveryWorker {
  readonly #options: DeliveryWorkerOptions;
  readonly #owner = randomUUID();
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<void>>();
  /** Lanes of each endpoint that are running. */
  readonly #busy = new Map<number, number>();
  readonly #polls: RepeatedRun;

  constructor(options: DeliveryWorkerOptions) {
    this.#options = options;
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
    const { records, readOnlyReason, maxLanes, maxLanesPerEndpoint } = this.#options;
    if (this.#stopping.signal.aborted) return;
    if (this.#running.size >= maxLanes || (await readOnlyReason()) !== undefined) return;
    const full = [...this.#busy].filter(([, count]) => count >= maxLanesPerEndpoint).map(([id]) => id);
    for (const key of await records.webhookLanes.listDue(full, maxLanes * maxLanesPerEndpoint)) {
      if (this.#running.size >= maxLanes || this.#stopping.signal.aborted) return;
      if ((this.#busy.get(key.webhookId) ?? 0) < maxLanesPerEndpoint) await this.#take(key);
    }
  }

  async #take(key: LaneKey): Promise<void> {
    const { records, log } = this.#options;
    const lane = await records.webhookLanes.take(key, this.#owner, leaseMarginMs);
    if (!lane) return;
    const { webhookId } = key;
    this.#busy.set(webhookId, (this.#busy.get(webhookId) ?? 0) + 1);
    const running = this.#deliver(lane)
      .catch((err: unknown) => {
        log.error({ err, webhook: webhookId, pauseMs: this.#polls.pause() }, 'events were not delivered');
      })
      .finally(() => {
        this.#running.delete(running);
        const left = (this.#busy.get(webhookId) ?? 1) - 1;
        if (left > 0) this.#busy.set(webhookId, left);
        else this.#busy.delete(webhookId);
        // Others may have waited for room.
        this.#polls.ask();
      });
    this.#running.add(running);
  }

  /** Until nothing is pending, or something failed. */
  async #deliver(taken: Lane): Promise<void> {
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
      const tried = await tryDelivery(this.#options, endpoint, delivery, this.#stopping.signal);
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
