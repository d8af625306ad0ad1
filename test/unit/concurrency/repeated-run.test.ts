import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { RepeatedRun } from '../../../src/concurrency/repeated-run.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function failing(everyMs = 10) {
  const pauses: number[] = [];
  const kit = { runs: 0, fails: true, pauses };
  const repeated = new RepeatedRun({
    run: async () => {
      kit.runs += 1;
      if (kit.fails) throw new Error('the disk is full');
    },
    everyMs,
    onFailure: (_error, pauseMs) => pauses.push(pauseMs),
  });
  return { kit, repeated };
}

describe('what is done again and again', () => {
  test('is tried again after pauses that grow up to half a minute, however often it is asked for', async () => {
    const { kit, repeated } = failing();
    repeated.start();
    for (let ms = 0; ms < 3_600_000; ms += 500) {
      for (let asked = 0; asked < 10; asked += 1) repeated.ask();
      await vi.advanceTimersByTimeAsync(500);
    }
    expect(kit.pauses.slice(0, 7)).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
    expect(kit.runs).toBeLessThan(130);
    await repeated.stop();
  });

  test('goes on as before once the fault is over', async () => {
    const { kit, repeated } = failing(100);
    repeated.start();
    await vi.advanceTimersByTimeAsync(600_000);
    kit.fails = false;
    await vi.advanceTimersByTimeAsync(30_000);
    const before = kit.runs;
    await vi.advanceTimersByTimeAsync(1000);
    expect(kit.runs).toBe(before + 10);
    kit.fails = true;
    await vi.advanceTimersByTimeAsync(100);
    expect(kit.pauses.at(-1)).toBe(1000);
    await repeated.stop();
  });

  test('is done once more when it was asked for meanwhile, and never twice at a time', async () => {
    const gates: PromiseWithResolvers<void>[] = [];
    const run = () => {
      const gate = Promise.withResolvers<void>();
      gates.push(gate);
      return gate.promise;
    };
    const repeated = new RepeatedRun({ run, everyMs: 1000, onFailure: () => undefined });
    for (let asked = 0; asked < 5; asked += 1) repeated.ask();
    expect(gates).toHaveLength(1);
    gates[0]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(gates).toHaveLength(2);
    gates[1]?.resolve();
    await vi.advanceTimersByTimeAsync(0);
    expect(gates).toHaveLength(2);
  });

  test('is not piled up while it hangs', async () => {
    const hanging = Promise.withResolvers<void>();
    let runs = 0;
    const run = () => {
      runs += 1;
      return hanging.promise;
    };
    const repeated = new RepeatedRun({ run, everyMs: 10, onFailure: () => undefined });
    repeated.start();
    await vi.advanceTimersByTimeAsync(60_000);
    const flushes = Array.from({ length: 100 }, () => repeated.flush());
    expect(runs).toBe(1);
    const stopped = repeated.stop();
    hanging.resolve();
    await stopped;
    await Promise.all(flushes);
    expect(runs).toBe(2);
  });

  test('is flushed in a pause and after its end', async () => {
    const { kit, repeated } = failing();
    await repeated.flush();
    await repeated.flush();
    expect(kit.runs).toBe(2);
    await repeated.stop();
    await repeated.flush();
    expect(kit.runs).toBe(3);
  });
});
