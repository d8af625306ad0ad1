import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { CollectorWorker, type CollectorWorkerOptions } from '../../../src/gc/collector-worker.ts';
import { silentGc } from '../../support/collecting.ts';
import { openSqlite } from '../../support/databases.ts';
import { inFakeTime, useFakeTimers } from '../../support/fake-timers.ts';
import { createRepository, manifestOf } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';

const nothing = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };

async function start(changed: Partial<CollectorWorkerOptions> = {}) {
  useFakeTimers();
  const database = await openSqlite(() => 0);
  const looks: number[] = [];
  const seen = { ran: [] as unknown[][], slept: [] as number[] };
  /** What a look does. */
  const collecting: { run: (signal?: AbortSignal) => Promise<void> } = { run: async () => undefined };
  const worker = new CollectorWorker({
    collector: {
      run: async ({ signal } = {}) => {
        looks.push(performance.now());
        await collecting.run(signal);
        return nothing;
      },
    },
    database,
    untaggedMs: undefined,
    intervalMs: 1000,
    readOnlyReason: async () => undefined,
    observer: {
      ...silentGc,
      ran: (...what) => void seen.ran.push(what),
      slept: (seconds) => void seen.slept.push(seconds),
    },
    log: silentLog,
    now: () => 0,
    ...changed,
  });
  onTestFinished(() => inFakeTime(worker.close()));
  return { database, worker, looks, seen, collecting };
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const fail = async () => {
  throw new Error('no connection');
};

describe('what is due is looked for', () => {
  test('at once, and from then on at an interval', async () => {
    const { worker, looks, seen } = await start();
    worker.start();
    await pass(3500);
    expect(looks).toEqual([0, 1000, 2000, 3000]);
    expect(seen.ran.slice(0, 2)).toEqual([
      ['done', 0],
      ['done', 0],
    ]);
    expect(seen.slept).toEqual([1, 1, 1, 1]);
  });

  test('at once where somebody asks, also while it is looked for', async () => {
    const { worker, looks, seen, collecting } = await start();
    worker.start();
    await pass(100);
    collecting.run = () => new Promise((resolve) => void setTimeout(resolve, 500));
    worker.wake();
    await pass(100);
    worker.wake();
    await pass(400);
    expect(looks).toEqual([0, 100, 600]);
    await pass(1400);
    expect(looks).toEqual([0, 100, 600]);
    expect(seen.ran.at(-1)).toEqual(['done', 0.5]);
    await pass(100);
    expect(looks).toEqual([0, 100, 600, 2100]);
  });

  test('after pauses that grow up to five minutes where it fails, whoever asks', async () => {
    const { worker, looks, seen, collecting } = await start();
    collecting.run = fail;
    worker.start();
    for (let ms = 0; ms < 3_600_000; ms += 20_000) {
      worker.wake();
      await pass(20_000);
    }
    expect(seen.slept.slice(0, 9)).toEqual([2, 4, 8, 16, 32, 64, 128, 256, 300]);
    expect(seen.slept.at(-1)).toBe(300);
    expect(looks.length).toBeLessThan(25);
    expect(seen.ran.at(-1)).toEqual(['failed', 0]);
    collecting.run = async () => undefined;
    await pass(300_000);
    expect(seen.ran.at(-1)).toEqual(['done', 0]);
    expect(seen.slept.at(-1)).toBe(1);
    collecting.run = fail;
    await pass(1000);
    expect(seen.slept.at(-1)).toBe(2);
  });

  test('no more often after a failure than at the interval', async () => {
    const { worker, seen, collecting } = await start({ intervalMs: 600_000 });
    collecting.run = fail;
    worker.start();
    await pass(600_000);
    expect(seen.slept).toEqual([600, 600]);
  });

  test('how long it took is told where it fails, too', async () => {
    const { worker, seen, collecting } = await start();
    collecting.run = async () => {
      await new Promise((resolve) => void setTimeout(resolve, 2000));
      await fail();
    };
    await pass(1000);
    worker.start();
    await pass(2000);
    expect(seen.ran).toEqual([['failed', 2]]);
  });

  test('not while nothing may be changed', async () => {
    const reason: { text: string | undefined } = { text: 'maintenance' };
    const { database, worker, looks } = await start({ readOnlyReason: async () => reason.text });
    worker.start();
    await pass(5000);
    expect(looks).toEqual([]);
    expect(await database.instance.get('gc_untagged')).toBeUndefined();
    reason.text = undefined;
    await pass(1000);
    expect(looks).toHaveLength(1);
  });

  test('no more once it is closed, which waits for the review that is being made', async () => {
    const { worker, looks, collecting } = await start();
    const stopped: boolean[] = [];
    collecting.run = (signal) =>
      new Promise((resolve) => {
        signal?.addEventListener('abort', () => {
          stopped.push(true);
          setTimeout(resolve, 500);
        });
      });
    worker.start();
    await pass(100);
    await inFakeTime(worker.close());
    expect(performance.now()).toBe(600);
    expect(stopped).toEqual([true]);
    await pass(5000);
    expect(looks).toEqual([0]);
  });

  test('no more once it is closed while it pauses', async () => {
    const { worker, looks } = await start();
    worker.start();
    await pass(100);
    await worker.close();
    expect(performance.now()).toBe(100);
    await pass(5000);
    expect(looks).toEqual([0]);
  });
});

test('the rule for untagged manifests holds from the start for what is there, whatever another process makes of it later', async () => {
  const { database, worker } = await start({ untaggedMs: 5000 });
  const { id } = await createRepository(database, 'acme/shop');
  const manifest = manifestOf('untagged');
  await database.repositoryManifests.save(id, manifest);
  worker.start();
  await pass(0);
  expect(await database.reviewQueue.find('manifest', manifest.digest, id)).toMatchObject({
    event: 'untagged',
  });
  expect(await database.instance.get('gc_untagged')).toBe('5000');
  await database.instance.set('gc_untagged', '7000');
  await pass(1000);
  expect(await database.instance.get('gc_untagged')).toBe('7000');
});
