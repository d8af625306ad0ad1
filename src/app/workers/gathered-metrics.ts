/**
 * The metrics of all workers, as the process that started them has them: of one that does not answer what it said last, and of those that
 * have ended what they had counted, so that no sum ever falls.
 */
import type { WorkerMetrics } from './messages.ts';

/** As prom-client's `getMetricsAsJSON` gives them. */
interface Metric {
  readonly name: string;
  readonly type: string;
  readonly values: readonly MetricValue[];
}

interface MetricValue {
  readonly value: number;
  readonly labels: object;
  readonly metricName?: string;
}

interface Collecting {
  readonly from: object;
  readonly done: (metrics: WorkerMetrics) => void;
}

/** Prometheus waits for ten seconds. */
const answerMs = 2000;

export class GatheredMetrics<Worker extends object> {
  readonly #ask: (worker: Worker, id: number) => void;
  readonly #last = new Map<Worker, WorkerMetrics>();
  readonly #waiting = new Map<number, Collecting>();
  #ended: readonly Metric[] = [];
  #lastId = 0;

  /** @param ask a worker for its metrics, which {@link hear} is told */
  constructor(ask: (worker: Worker, id: number) => void) {
    this.#ask = ask;
  }

  async gather(workers: readonly Worker[]): Promise<readonly WorkerMetrics[]> {
    await Promise.all(workers.map((worker) => this.#collect(worker)));
    return [...this.#last.values(), this.#ended];
  }

  hear(worker: Worker, id: number, metrics: WorkerMetrics): void {
    const waiting = this.#waiting.get(id);
    if (waiting?.from === worker) waiting.done(metrics);
  }

  /** What it said last is added to what others had counted that have ended. */
  end(worker: Worker): void {
    const last = this.#last.get(worker);
    this.#last.delete(worker);
    if (last) this.#ended = sum(this.#ended, countedIn(last));
  }

  async #collect(worker: Worker): Promise<void> {
    this.#lastId += 1;
    const id = this.#lastId;
    const { promise, resolve } = Promise.withResolvers<WorkerMetrics | undefined>();
    this.#waiting.set(id, { from: worker, done: resolve });
    const timer = setTimeout(() => resolve(undefined), answerMs);
    this.#ask(worker, id);
    const metrics = await promise;
    clearTimeout(timer);
    this.#waiting.delete(id);
    if (metrics) this.#last.set(worker, metrics);
  }
}

/** What is only ever added to. */
function countedIn(metrics: WorkerMetrics): readonly Metric[] {
  return metrics.filter((metric) => isMetric(metric)).filter(({ type }) => type !== 'gauge');
}

function isMetric(metric: object): metric is Metric {
  return 'name' in metric && 'type' in metric && 'values' in metric && Array.isArray(metric.values);
}

function sum(one: readonly Metric[], other: readonly Metric[]): readonly Metric[] {
  const sums = new Map(one.map((metric) => [metric.name, metric]));
  for (const metric of other) {
    const known = sums.get(metric.name);
    sums.set(metric.name, known ? { ...metric, values: sumOfValues(known.values, metric.values) } : metric);
  }
  return [...sums.values()];
}

function sumOfValues(one: readonly MetricValue[], other: readonly MetricValue[]): readonly MetricValue[] {
  const sums = new Map<string, MetricValue>();
  for (const each of [...one, ...other]) {
    const key = JSON.stringify([each.metricName, Object.entries(each.labels).toSorted()]);
    sums.set(key, { ...each, value: each.value + (sums.get(key)?.value ?? 0) });
  }
  return [...sums.values()];
}
