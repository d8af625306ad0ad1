import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { withDeadline } from '../../../src/outbound/deadline.ts';

const limit = { ms: 1500, setting: 'upstreams.answer_seconds' };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Goes on until its signal aborts. */
function heed(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason)));
}

test('what takes too long ends with an error that says how long and names the setting', async () => {
  const late = expect(withDeadline(limit, undefined, heed)).rejects.toMatchObject({
    kind: 'unavailable',
    timedOut: true,
    limit: 'upstreams.answer_seconds',
    message: 'did not answer within 1.5 s (upstreams.answer_seconds)',
  });
  await vi.advanceTimersByTimeAsync(1500);
  await late;
});

test('what ends in time gives its result, and what goes on by the same signal has no end after that', async () => {
  let kept: AbortSignal | undefined;
  const work = async (signal: AbortSignal) => {
    kept = signal;
    return 'done';
  };
  expect(await withDeadline(limit, undefined, work)).toBe('done');
  expect(vi.getTimerCount()).toBe(0);
  await vi.advanceTimersByTimeAsync(5000);
  expect(kept?.aborted).toBe(false);
});

test('what fails in time leaves no deadline behind', async () => {
  await expect(withDeadline(limit, undefined, () => Promise.reject(new Error('broken')))).rejects.toThrow(
    'broken',
  );
  expect(vi.getTimerCount()).toBe(0);
});

test('the caller can end it before, and what goes on afterwards too', async () => {
  const caller = new AbortController();
  const left = expect(withDeadline(limit, caller.signal, heed)).rejects.toThrow('left');
  let kept: AbortSignal | undefined;
  await withDeadline(limit, caller.signal, async (signal) => {
    kept = signal;
  });
  caller.abort(new Error('left'));
  await left;
  expect(kept?.reason).toEqual(new Error('left'));
});

test('who has a signal is held to the deadline all the same', async () => {
  const late = expect(withDeadline(limit, new AbortController().signal, heed)).rejects.toMatchObject({
    limit: 'upstreams.answer_seconds',
  });
  await vi.advanceTimersByTimeAsync(1500);
  await late;
});
