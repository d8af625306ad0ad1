import { expect, test } from 'vitest';
import { NextRun } from '../../../src/concurrency/next-run.ts';
import { eventually } from '../../support/eventually.ts';

/** Runs that end when the test says so. */
function createRuns() {
  const runs: PromiseWithResolvers<string>[] = [];
  const next = new NextRun(() => {
    const run = Promise.withResolvers<string>();
    runs.push(run);
    return run.promise;
  });
  return { runs, next };
}

test('who asks while a run is under way is given what the next one gives, with all who ask meanwhile', async () => {
  const { runs, next } = createRuns();
  const first = next.ask();
  await eventually(() => expect(runs).toHaveLength(1));
  const later = [next.ask(), next.ask()];
  runs[0]?.resolve('before');
  expect(await first).toBe('before');
  await eventually(() => expect(runs).toHaveLength(2));
  runs[1]?.resolve('after');
  expect(await Promise.all(later)).toEqual(['after', 'after']);
  expect(runs).toHaveLength(2);
});

test('a failure is told to those whose run it was, and the next one begins all the same', async () => {
  const { runs, next } = createRuns();
  const failed = next.ask();
  await eventually(() => expect(runs).toHaveLength(1));
  const other = next.ask();
  runs[0]?.reject(new Error('no'));
  await expect(failed).rejects.toThrow('no');
  await eventually(() => expect(runs).toHaveLength(2));
  runs[1]?.resolve('yes');
  expect(await other).toBe('yes');
});

test('settling waits for what is under way, and throws nothing of it', async () => {
  const { runs, next } = createRuns();
  await next.settle();
  const failed = next.ask().catch(() => 'failed');
  await eventually(() => expect(runs).toHaveLength(1));
  let isSettled = false;
  const settled = next.settle().then(() => {
    isSettled = true;
  });
  await new Promise(setImmediate);
  expect(isSettled).toBe(false);
  runs[0]?.reject(new Error('no'));
  await settled;
  expect(await failed).toBe('failed');
});
