import { expect, test } from 'vitest';
import { type Ending, Supervisor, type WorkerProcess } from '../../../../src/app/workers/supervisor.ts';
import { eventually } from '../../../support/eventually.ts';
import { silentLog } from '../../../support/silent-log.ts';

const killed: Ending = { code: null, signal: 'SIGKILL' };
const done: Ending = { code: 0, signal: null };

/** Serves and ends when the test says so. */
class FakeWorker implements WorkerProcess {
  readonly #ready = Promise.withResolvers<boolean>();
  readonly #ended = Promise.withResolvers<Ending>();
  readonly ready = this.#ready.promise;
  readonly ended = this.#ended.promise;
  readonly number: number;
  isAsked = false;

  constructor(number: number) {
    this.number = number;
  }

  serve(): void {
    this.#ready.resolve(true);
  }

  end(ending: Ending): void {
    this.#ready.resolve(false);
    this.#ended.resolve(ending);
  }

  stop(): void {
    this.isAsked = true;
  }

  kill(): void {
    this.end(killed);
  }
}

class World {
  now = 0;
  readonly workers: FakeWorker[] = [];
  readonly pauses: number[] = [];
  /** Ends the last pause. */
  endPause = () => {};
  readonly supervisor: Supervisor;

  constructor(count: number) {
    this.supervisor = new Supervisor({
      count,
      startWorker: (number) => {
        const worker = new FakeWorker(number);
        this.workers.push(worker);
        return worker;
      },
      pause: (ms, signal) => {
        this.pauses.push(ms);
        return new Promise((resolve) => {
          this.endPause = resolve;
          signal.addEventListener('abort', () => resolve());
        });
      },
      now: () => this.now,
      log: silentLog,
    });
  }

  get numbers(): readonly number[] {
    return this.workers.map(({ number }) => number);
  }

  async worker(index: number): Promise<FakeWorker> {
    await eventually(async () => expect(this.workers.length).toBeGreaterThan(index));
    const worker = this.workers[index];
    if (!worker) throw new Error(`there is no worker ${index}`);
    return worker;
  }

  async startAll(count: number): Promise<void> {
    const started = this.supervisor.start();
    for (let index = 0; index < count; index += 1) (await this.worker(index)).serve();
    expect(await started).toBeUndefined();
  }
}

/** Whatever would follow has followed. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('the others are started once the first serves', async () => {
  const world = new World(3);
  void world.supervisor.start();
  await settled();
  expect(world.numbers).toEqual([1]);
  (await world.worker(0)).serve();
  await world.worker(2);
  expect(world.numbers).toEqual([1, 2, 3]);
});

test('where the first does not come to serve, nothing is started, and it is said how it ended', async () => {
  const world = new World(2);
  const started = world.supervisor.start();
  (await world.worker(0)).end({ code: 78, signal: null });
  expect(await started).toEqual({ code: 78, signal: null });
  expect(world.numbers).toEqual([1]);
});

test('a worker that dies is started again, after pauses that grow to half a minute where it dies young', async () => {
  const world = new World(2);
  await world.startAll(2);
  for (let died = 1; died <= 7; died += 1) {
    (await world.worker(died)).end(killed);
    await eventually(async () => expect(world.pauses).toHaveLength(died));
    expect(world.workers).toHaveLength(died + 1);
    world.endPause();
    await world.worker(died + 1);
  }
  expect(world.numbers).toEqual([1, 2, 2, 2, 2, 2, 2, 2, 2]);
  expect(world.pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
});

test('one that lived for a minute is started again after the first pause', async () => {
  const world = new World(1);
  await world.startAll(1);
  (await world.worker(0)).end(killed);
  await eventually(async () => expect(world.pauses).toEqual([1000]));
  world.endPause();
  const second = await world.worker(1);
  world.now += 60_000;
  second.end(killed);
  await eventually(async () => expect(world.pauses).toEqual([1000, 1000]));
});

test('a restart replaces one after the other, each once a new one serves and the old one has ended', async () => {
  const world = new World(2);
  await world.startAll(2);
  const [one, two] = [await world.worker(0), await world.worker(1)];
  world.supervisor.restart();
  const newOne = await world.worker(2);
  expect([newOne.number, one.isAsked]).toEqual([1, false]);
  newOne.serve();
  await eventually(async () => expect(one.isAsked).toBe(true));
  expect(world.workers).toHaveLength(3);
  one.end(done);
  const newTwo = await world.worker(3);
  expect([newTwo.number, two.isAsked]).toEqual([2, false]);
  newTwo.serve();
  await eventually(async () => expect(two.isAsked).toBe(true));
  two.end(done);
  await settled();
  expect([world.workers.length, world.pauses]).toEqual([4, []]);
});

test('where a new worker does not come to serve, the old ones stay', async () => {
  const world = new World(2);
  await world.startAll(2);
  world.supervisor.restart();
  (await world.worker(2)).end({ code: 78, signal: null });
  await settled();
  expect(world.workers).toHaveLength(3);
  expect(world.workers.map(({ isAsked }) => isAsked)).toEqual([false, false, false]);
});

test('a restart that is asked for during another one follows it', async () => {
  const world = new World(1);
  await world.startAll(1);
  world.supervisor.restart();
  const second = await world.worker(1);
  world.supervisor.restart();
  second.serve();
  (await world.worker(0)).end(done);
  const third = await world.worker(2);
  third.serve();
  await eventually(async () => expect(second.isAsked).toBe(true));
});

test('at a stop all are asked to end, and none is started again', async () => {
  const world = new World(2);
  await world.startAll(2);
  const stopped = world.supervisor.stop(1000);
  for (const worker of world.workers) {
    expect(worker.isAsked).toBe(true);
    worker.end(done);
  }
  expect(await stopped).toBe(true);
  expect(world.workers).toHaveLength(2);
});

test('a stop that takes too long kills, and says so', async () => {
  const world = new World(2);
  await world.startAll(2);
  const stopped = world.supervisor.stop(1000);
  (await world.worker(0)).end(done);
  expect(world.pauses).toEqual([1000]);
  world.endPause();
  expect(await stopped).toBe(false);
});

test('a stop is not clean where one ended with a failure', async () => {
  const world = new World(1);
  await world.startAll(1);
  const stopped = world.supervisor.stop(1000);
  (await world.worker(0)).end({ code: 1, signal: null });
  expect(await stopped).toBe(false);
});

test('a stop during a pause starts nobody', async () => {
  const world = new World(1);
  await world.startAll(1);
  (await world.worker(0)).end(killed);
  await eventually(async () => expect(world.pauses).toEqual([1000]));
  expect(await world.supervisor.stop(1000)).toBe(true);
  await settled();
  expect(world.workers).toHaveLength(1);
});
