import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import type { Database } from '../../../src/metadata/db/database.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { Scheduler, type SchedulerOptions } from '../../../src/tasks/scheduler.ts';
import type { Task, TaskOutcome } from '../../../src/tasks/task.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { eventually } from '../../support/eventually.ts';
import { silentLog } from '../../support/silent-log.ts';

const hourMs = 60 * 60 * 1000;
const leaseMs = 60_000;
const done: TaskOutcome = { result: { done: 1 } };

function taskOf(run: Task['run'], name = 'sweep'): Task {
  return { name, everyMs: hourMs, run };
}

/** Where each turn of a run waits for the test. */
class Gate {
  runs = 0;
  #open: (() => void) | undefined;
  readonly run = async (signal: AbortSignal): Promise<TaskOutcome> => {
    this.runs += 1;
    await new Promise<void>((resolve) => {
      this.#open = resolve;
      signal.addEventListener('abort', () => resolve());
    });
    return done;
  };

  open(): void {
    this.#open?.();
  }
}

describeEachDatabase('a task', (open, { clock, createPlace }) => {
  async function start(
    database: Database,
    task: Task,
    options: Partial<SchedulerOptions> = {},
  ): Promise<Scheduler> {
    const scheduler = new Scheduler({
      tasks: [task],
      records: database.tasks,
      owner: 'one',
      readOnlyReason: async () => undefined,
      log: silentLog,
      now: () => clock.now,
      pollMs: 10,
      leaseMs,
      ...options,
    });
    await scheduler.start();
    onTestFinished(() => scheduler.close());
    return scheduler;
  }
  const stateOf = async (database: Database) => (await database.tasks.list())[0];

  test('that cannot be taken is tried again after a pause, however often it is woken, and runs once it can be', async () => {
    const database = await open();
    const take = database.tasks.take.bind(database.tasks);
    let tries = 0;
    database.tasks.take = async () => {
      tries += 1;
      throw new UnavailableError('the disk of the database is full');
    };
    let runs = 0;
    const task = taskOf(async () => {
      runs += 1;
      return done;
    });
    const scheduler = await start(database, task);
    for (let woken = 0; woken < 50; woken += 1) {
      scheduler.wake(task.name);
      await sleep(2);
    }
    expect(tries).toBeLessThan(10);
    database.tasks.take = take;
    await eventually(() => expect(runs).toBeGreaterThan(0));
  });

  test('runs at its first start, and again when its time has come', async () => {
    const database = await open();
    let runs = 0;
    await start(
      database,
      taskOf(async () => {
        runs += 1;
        return { result: { runs } };
      }),
    );
    await eventually(async () => expect(await stateOf(database)).toMatchObject({ result: { runs: 1 } }));
    expect(await stateOf(database)).toMatchObject({
      nextRunAt: clock.now + hourMs,
      isRunning: false,
      startedAt: clock.now,
      endedAt: clock.now,
    });
    clock.now += hourMs - 1;
    await sleep(50);
    expect(runs).toBe(1);
    clock.now += 1;
    await eventually(() => expect(runs).toBe(2));
  });

  test('runs in one process at a time, and a wish meanwhile is fulfilled after it', async () => {
    const place = await createPlace();
    const [first, second] = [await open(place), await open(place)];
    const gate = new Gate();
    const one = await start(first, taskOf(gate.run));
    await eventually(() => expect(gate.runs).toBe(1));
    const two = await start(second, taskOf(gate.run), { owner: 'two' });
    two.wake('sweep');
    one.wake('sweep');
    await sleep(60);
    expect(gate.runs).toBe(1);
    gate.open();
    await eventually(() => expect(gate.runs).toBe(2));
    gate.open();
    await eventually(async () => expect(await stateOf(first)).toMatchObject({ isRunning: false }));
    await sleep(60);
    expect(gate.runs).toBe(2);
  });

  test('goes on in another process when its own died', async () => {
    const place = await createPlace();
    const [first, second] = [await open(place), await open(place)];
    await first.tasks.ensure('sweep', hourMs);
    // As a process does that is killed then.
    expect(await first.tasks.take('sweep', 'dead', leaseMs)).toBe(0);
    const gate = new Gate();
    await start(second, taskOf(gate.run));
    await sleep(50);
    expect(gate.runs).toBe(0);
    clock.now += leaseMs;
    await eventually(() => expect(gate.runs).toBe(1));
    await first.tasks.end('sweep', 'dead', { nextRunAt: 0, result: {} });
    expect(await stateOf(second)).toMatchObject({ isRunning: true });
  });

  test('keeps its lease while it runs, and is told when it has lost it', async () => {
    const database = await open();
    const lost = Promise.withResolvers<void>();
    await start(
      database,
      taskOf(async (signal) => {
        signal.addEventListener('abort', () => lost.resolve());
        await lost.promise;
        return done;
      }),
      { leaseMs: 90 },
    );
    await eventually(async () => expect(await stateOf(database)).toMatchObject({ isRunning: true }));
    clock.now += 80;
    await sleep(80);
    clock.now += 80;
    expect(await stateOf(database)).toMatchObject({ isRunning: true });
    clock.now += 90;
    expect(await database.tasks.take('sweep', 'another', 90)).toBe(0);
    await lost.promise;
  });

  test('that fails says why and is tried again after growing pauses', async () => {
    const database = await open();
    let runs = 0;
    await start(
      database,
      taskOf(async () => {
        runs += 1;
        throw new Error(`failure ${runs}`);
      }),
    );
    for (const [failures, pauseMs] of [
      [1, 10_000],
      [2, 20_000],
      [3, 40_000],
    ] as const) {
      await eventually(async () =>
        expect(await stateOf(database)).toMatchObject({
          failures,
          error: `failure ${failures}`,
          nextRunAt: clock.now + pauseMs,
          isRunning: false,
        }),
      );
      clock.now += pauseMs;
    }
  });

  test('that has more to do runs again at once', async () => {
    const database = await open();
    let left = 3;
    await start(
      database,
      taskOf(async () => {
        left -= 1;
        return { result: { left }, again: left > 0 };
      }),
    );
    await eventually(async () => expect(await stateOf(database)).toMatchObject({ result: { left: 0 } }));
    expect(await stateOf(database)).toMatchObject({ nextRunAt: clock.now + hourMs });
  });

  test('rests while nothing may be changed', async () => {
    const database = await open();
    const gate = new Gate();
    let reason: string | undefined = 'we are moving';
    await start(database, taskOf(gate.run), { readOnlyReason: async () => reason });
    await sleep(50);
    expect(gate.runs).toBe(0);
    reason = undefined;
    await eventually(() => expect(gate.runs).toBe(1));
  });

  test('that is stopped with its server is due for the next', async () => {
    const database = await open();
    const gate = new Gate();
    const scheduler = await start(database, taskOf(gate.run));
    await eventually(() => expect(gate.runs).toBe(1));
    await scheduler.close();
    expect(await stateOf(database)).toMatchObject({ isRunning: false, nextRunAt: clock.now });
  });
});
