/** Timers that stand still until a test moves them on. */
import { syncBuiltinESMExports } from 'node:module';
import type { TimerOptions } from 'node:timers';
import timers from 'node:timers/promises';
import { onTestFinished, vi } from 'vitest';

/** Until the test ends: of pauses of node:timers/promises, too, which Vitest leaves alone, and of performance.now(). */
export function useFakeTimers(): void {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const spy = vi.spyOn(timers, 'setTimeout').mockImplementation(sleep);
  syncBuiltinESMExports();
  onTestFinished(() => {
    spy.mockRestore();
    syncBuiltinESMExports();
    vi.useRealTimers();
  });
}

const maxTimerMs = 2 ** 31 - 1;

function sleep(ms?: number, value?: unknown, { signal }: TimerOptions = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // As Node has it: what is longer than any timer ends at once.
    const timer = setTimeout(() => resolve(value), ms !== undefined && ms > maxTimerMs ? 1 : ms);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    if (signal?.aborted) stop();
    else signal?.addEventListener('abort', stop, { once: true });
  });
}

/** Moves the time on as far as this waits for it. */
export async function inFakeTime<T>(promise: Promise<T>): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  promise.then(over, over);
  while (!isOver) await vi.advanceTimersToNextTimerAsync();
  return promise;
}
