/** Records from time to time how much was counted since the last time, so that it outlives the process and adds up over all of them. */
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Traffic } from '../metadata/server/traffic.ts';
import type { Log } from '../observe/log.ts';

const everyMs = 60_000;

export interface TrafficSamplerOptions {
  readonly traffic: Pick<Traffic, 'add'>;
  /** Since the process started, by series. */
  readonly readTotals: () => Promise<ReadonlyMap<string, number>>;
  /** Undefined: records may be written. */
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly log: Log;
}

export class TrafficSampler {
  readonly #options: TrafficSamplerOptions;
  readonly #runs: RepeatedRun;
  #recorded: ReadonlyMap<string, number> = new Map();

  constructor(options: TrafficSamplerOptions) {
    this.#options = options;
    this.#runs = new RepeatedRun({
      run: () => this.#record(),
      everyMs,
      onFailure: (err) =>
        options.log.warn({ err }, 'what was pulled and asked could not be recorded; it is kept'),
    });
  }

  start(): void {
    this.#runs.start();
  }

  /** Resolves when everything counted so far is recorded, or kept for the next time. */
  flush(): Promise<void> {
    return this.#runs.flush();
  }

  async close(): Promise<void> {
    await this.#runs.stop();
    await this.flush();
  }

  async #record(): Promise<void> {
    const { traffic, readTotals, readOnlyReason } = this.#options;
    if ((await readOnlyReason()) !== undefined) return;
    const totals = await readTotals();
    const news = [...totals].map(
      ([series, total]) => [series, Math.round(total - (this.#recorded.get(series) ?? 0))] as const,
    );
    const changed = news.filter(([, amount]) => amount > 0);
    if (changed.length > 0) await traffic.add(new Map(changed));
    this.#recorded = totals;
  }
}
