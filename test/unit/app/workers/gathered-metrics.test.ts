import { AggregatorRegistry } from 'prom-client';
import { expect, test } from 'vitest';
import { createMetrics } from '../../../../src/app/metrics/metrics.ts';
import { GatheredMetrics } from '../../../../src/app/workers/gathered-metrics.ts';
import type { WorkerMetrics } from '../../../../src/app/workers/messages.ts';

/** A worker with metrics of its own. */
class FakeWorker {
  isSilent = false;
  #collect: () => Promise<WorkerMetrics> = async () => [];
  readonly metrics = createMetrics(async () => 7, {
    offer: (collect) => {
      this.#collect = collect;
    },
    gather: () => Promise.reject(new Error('nobody asks it')),
  });

  collect(): Promise<WorkerMetrics> {
    return this.#collect();
  }

  answer(times: number): void {
    for (let done = 0; done < times; done += 1) this.metrics.requests.answered('GET', '/v2/', 200, 0.01);
  }
}

function gathering(...workers: FakeWorker[]) {
  const gathered = new GatheredMetrics<FakeWorker>((worker, id) => {
    if (!worker.isSilent) void worker.collect().then((metrics) => gathered.hear(worker, id, metrics));
  });
  const gather = async (from: readonly FakeWorker[] = workers) => {
    const text = await AggregatorRegistry.aggregate([...(await gathered.gather(from))]).metrics();
    return (name: string) => Number(new RegExp(`^${name}(?:\\{.*\\})? (\\S+)$`, 'm').exec(text)?.[1]);
  };
  return { gathered, gather };
}

test('what workers counted is summed, and what all of them see is said once', async () => {
  const [one, two] = [new FakeWorker(), new FakeWorker()];
  one.answer(2);
  two.answer(3);
  const valueIn = await gathering(one, two).gather();
  expect(valueIn('entrepot_requests_total')).toBe(5);
  expect(valueIn('entrepot_request_duration_seconds_count')).toBe(5);
  expect(valueIn('entrepot_webhook_pending')).toBe(7);
});

test('what a worker that has ended had counted stays counted, and what it was does not', async () => {
  const [one, two, three] = [new FakeWorker(), new FakeWorker(), new FakeWorker()];
  const { gathered, gather } = gathering();
  one.answer(2);
  two.answer(3);
  await gather([one, two, three]);
  gathered.end(one);
  gathered.end(two);
  three.answer(1);
  const valueIn = await gather([three]);
  expect(valueIn('entrepot_requests_total')).toBe(6);
  expect(valueIn('entrepot_request_duration_seconds_count')).toBe(6);
  expect(valueIn('entrepot_request_duration_seconds_sum')).toBeCloseTo(0.06);
  expect(valueIn('process_resident_memory_bytes')).toBeLessThan(2 * process.memoryUsage.rss());
});

test('of one that does not answer, what it said last counts', async () => {
  const [one, two] = [new FakeWorker(), new FakeWorker()];
  const { gather } = gathering(one, two);
  one.answer(2);
  two.answer(3);
  await gather();
  one.isSilent = true;
  two.answer(1);
  expect((await gather())('entrepot_requests_total')).toBe(6);
});

test('an answer counts for whom it was asked of', async () => {
  const [one, two] = [new FakeWorker(), new FakeWorker()];
  const gathered = new GatheredMetrics<FakeWorker>((worker, id) => {
    void worker.collect().then((metrics) => {
      gathered.hear(worker === one ? two : one, id, []);
      gathered.hear(worker, id, metrics);
    });
  });
  one.answer(2);
  const all = await gathered.gather([one, two]);
  expect(all.map((metrics) => metrics.length > 0)).toEqual([true, true, false]);
});
