import type { Records } from '../metadata/db/records.ts';

/** Forgets what endpoints were told, and what they could not be told, some days after it happened. A task of the scheduler. */
export class DeliveryExpiry {
  readonly name = 'webhooks.expire';
  readonly everyMs = 60 * 60 * 1000;
  readonly #records: Pick<Records, 'webhookDeliveries'>;
  readonly #keepMs: number;
  readonly #now: () => number;

  /** @param now epoch milliseconds */
  constructor(records: Pick<Records, 'webhookDeliveries'>, keepMs: number, now: () => number) {
    this.#records = records;
    this.#keepMs = keepMs;
    this.#now = now;
  }

  async run(signal: AbortSignal): Promise<{ result: { removed: number }; again: boolean }> {
    let removed = 0;
    for (let batch = 0; batch < maxBatches && !signal.aborted; batch += 1) {
      const count = await this.#records.webhookDeliveries.removeOlder(this.#now() - this.#keepMs, batchSize);
      removed += count;
      if (count < batchSize) return { result: { removed }, again: false };
    }
    return { result: { removed }, again: true };
  }
}

const batchSize = 1000;
const maxBatches = 100;
