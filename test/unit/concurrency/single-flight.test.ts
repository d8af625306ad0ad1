import { expect, test } from 'vitest';
import { SingleFlight } from '../../../src/concurrency/single-flight.ts';
import { eventually } from '../../support/eventually.ts';

/** A flight whose runs end when the test says so. */
function createFlight() {
  const flight = new SingleFlight<string>();
  const runs: { signal: AbortSignal; end: PromiseWithResolvers<string> }[] = [];
  const work = (signal: AbortSignal) => {
    const end = Promise.withResolvers<string>();
    runs.push({ signal, end });
    signal.addEventListener('abort', () => end.reject(signal.reason));
    return end.promise;
  };
  return { runs, ask: (signal?: AbortSignal) => flight.run('key', work, signal) };
}

test('one run serves all who ask meanwhile, its error too, and nothing is kept', async () => {
  const { runs, ask } = createFlight();
  const [first, second] = [ask(), ask()];
  expect([first.joined, second.joined]).toEqual([false, true]);
  runs[0]?.end.reject(new Error('no'));
  await expect(first.outcome).rejects.toThrow('no');
  await expect(second.outcome).rejects.toThrow('no');
  const third = ask();
  expect(third.joined).toBe(false);
  runs[1]?.end.resolve('yes');
  expect(await third.outcome).toBe('yes');
  expect(runs).toHaveLength(2);
});

test('who leaves waits no longer, and the run goes on for the others', async () => {
  const { runs, ask } = createFlight();
  const leaving = new AbortController();
  const left = ask(leaving.signal).outcome;
  const stays = ask(new AbortController().signal).outcome;
  leaving.abort(new Error('left'));
  await expect(left).rejects.toThrow('left');
  expect(runs[0]?.signal.aborted).toBe(false);
  runs[0]?.end.resolve('yes');
  expect(await stays).toBe('yes');
  expect(runs[0]?.signal.aborted).toBe(false);
});

test('a run that all have left is stopped, and who comes then starts another', async () => {
  const { runs, ask } = createFlight();
  const leaving = new AbortController();
  const left = [ask(leaving.signal), ask(leaving.signal)].map(({ outcome }) =>
    outcome.catch((e) => e.message),
  );
  leaving.abort(new Error('left'));
  expect(await Promise.all(left)).toEqual(['left', 'left']);
  await eventually(() => expect(runs[0]?.signal.aborted).toBe(true));
  const next = ask();
  expect(next.joined).toBe(false);
  runs[1]?.end.resolve('yes');
  expect(await next.outcome).toBe('yes');
});

test('who asks without a signal stays to the end', async () => {
  const { runs, ask } = createFlight();
  const leaving = new AbortController();
  const stays = ask().outcome;
  const left = ask(leaving.signal).outcome.catch(() => 'left');
  leaving.abort();
  expect(await left).toBe('left');
  runs[0]?.end.resolve('yes');
  expect(await stays).toBe('yes');
});
