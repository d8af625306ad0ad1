import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../../../src/metadata/db/database.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { PrewarmTask } from '../../../../src/proxy/prewarm/prewarm-task.ts';
import { NoRoom } from '../../../../src/proxy/prewarm/warmable-repository.ts';
import { fakeImage } from '../../../support/fake-content.ts';
import { MemoryRepository } from '../../../support/memory-repository.ts';
import { silentLog } from '../../../support/silent-log.ts';

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;
const image = fakeImage();

async function setUp() {
  const clock = { now: Date.UTC(2026, 0, 1) };
  const now = () => clock.now;
  const database = await openDatabase({ url: undefined, file: ':memory:', log: silentLog, now });
  onTestFinished(() => database.close());
  const group = await database.groups.create({ name: 'a', path: 'a', fullPath: 'a', visibility: 'private' });
  const { id: registryId } = await database.virtualRegistries.create({ groupId: group.id, name: 'base' });
  const repository = new MemoryRepository('miss');
  repository.addImage(image, 'v1');
  const room: { lasting: number | undefined } = { lasting: undefined };
  const errors: string[] = [];
  const seen = { done: 0, failed: 0, bytes: 0 };
  const task = new PrewarmTask({
    database,
    registries: { findWarmable: async () => repository },
    room: { lastingBytes: async () => room.lasting },
    observer: {
      prewarmed(result) {
        seen[result] += 1;
      },
      prewarmFetched(bytes) {
        seen.bytes += bytes;
      },
    },
    log: { ...silentLog, error: (_, message) => void errors.push(message) },
    now,
  });
  const create = (images: readonly string[], everyHours?: number) =>
    database.prewarms.create({ registryId, platforms: [], everyHours }, images);
  const run = (signal = new AbortController().signal) => task.run(signal);
  const imagesOf = async (id: number) =>
    (await database.prewarms.listImages(id)).map(({ dueAt, tries, reason }) => ({
      waitMs: dueAt === undefined ? undefined : dueAt - clock.now,
      tries,
      reason,
    }));
  return { clock, database, registryId, repository, room, errors, seen, create, run, imagesOf };
}

test('an image is tried again after one minute, two, four, eight and sixteen, and then no more', async () => {
  const { clock, repository, create, run, imagesOf, seen } = await setUp();
  repository.failure = new OciError('UNAVAILABLE', { detail: 'it is away', status: 502 });
  const id = await create(['app:v1']);
  for (const [index, minutes] of [1, 2, 4, 8, 16].entries()) {
    await run();
    const waitMs = minutes * minuteMs;
    expect(await imagesOf(id)).toEqual([{ waitMs, tries: index + 1, reason: 'it is away' }]);
    clock.now += waitMs - 1;
    repository.asked.length = 0;
    await run();
    expect(repository.asked).toEqual([]);
    clock.now += 1;
  }
  await run();
  expect(await imagesOf(id)).toMatchObject([{ waitMs: undefined, reason: 'it is away' }]);
  expect(seen).toEqual({ done: 0, failed: 1, bytes: 0 });
});

test('an image waits for as long as an upstream says, however often, and a minute where it says nothing', async () => {
  const { clock, repository, create, run, imagesOf } = await setUp();
  const id = await create(['app:v1']);
  for (let round = 0; round < 8; round += 1) {
    repository.failure = new OciError('TOOMANYREQUESTS', { headers: { 'Retry-After': '7200' } });
    await run();
    expect(await imagesOf(id)).toMatchObject([{ waitMs: 2 * hourMs, tries: 0 }]);
    clock.now += 2 * hourMs;
  }
  repository.failure = new OciError('TOOMANYREQUESTS');
  await run();
  expect(await imagesOf(id)).toMatchObject([{ waitMs: minuteMs, tries: 0 }]);
});

test('what is not there has failed at once, and a bug is told to the log alone', async () => {
  const { repository, create, run, imagesOf, errors } = await setUp();
  const id = await create(['app:v2']);
  await run();
  expect(await imagesOf(id)).toMatchObject([{ waitMs: undefined, reason: 'v2 is not in memory' }]);
  expect(errors).toEqual([]);
  repository.failure = new Error('secret');
  const other = await create(['app:v1']);
  await run();
  expect(await imagesOf(other)).toMatchObject([
    { waitMs: minuteMs, reason: 'an error in this server, of which its log says more' },
  ]);
  expect(errors).toEqual(['an image was not fetched ahead']);
});

test('no image is tried any more once there is no room, of this pre-warm alone', async () => {
  const { repository, create, run, imagesOf, seen } = await setUp();
  repository.failure = new NoRoom('the cache is full');
  const id = await create(Array.from({ length: 70 }, (_, number) => `app:${number}`));
  await run();
  const images = await imagesOf(id);
  expect(images).toHaveLength(70);
  for (const { waitMs, reason } of images)
    expect([waitMs, reason]).toEqual([undefined, 'stopped: the cache is full']);
  expect(seen.failed).toBe(70);
  expect(repository.asked.length).toBeLessThanOrEqual(3);
  repository.failure = undefined;
  const other = await create(['app:v1']);
  await run();
  expect(await imagesOf(other)).toMatchObject([{ waitMs: undefined, reason: undefined }]);
});

test.each([
  ['is there', undefined],
  ['has to wait', new OciError('TOOMANYREQUESTS')],
  ['is nowhere', new OciError('MANIFEST_UNKNOWN')],
])('an image that %s once its pre-warm was stopped stays as it was told', async (_, outcome) => {
  const { repository, create, run, imagesOf, database, seen } = await setUp();
  const id = await create(['app:v1']);
  const manifest = repository.manifest.bind(repository);
  repository.manifest = async (...asked) => {
    const found = await manifest(...asked);
    seen.failed += await database.prewarms.stop(id, 'stopped');
    if (outcome) throw outcome;
    return { ...found, outcome: 'hit' };
  };
  repository.keepBlob = async (digest) => ({ blob: await repository.blob(digest), fetchedBytes: 0 });
  await run();
  expect(await imagesOf(id)).toMatchObject([{ waitMs: undefined, reason: 'stopped' }]);
  expect(seen).toEqual({ done: 0, failed: 1, bytes: 0 });
});

test('no more is fetched than the cache holds', async () => {
  const { room, create, run, imagesOf, seen } = await setUp();
  const bytes = image.payload.length + (image.config?.size ?? 0);
  room.lasting = bytes;
  const first = await create(['app:v1']);
  await run();
  expect(await imagesOf(first)).toMatchObject([{ waitMs: undefined, reason: undefined }]);
  expect(seen.bytes).toBe(bytes);
  room.lasting = 0;
  const second = await create(['app:v1']);
  await run();
  expect(await imagesOf(second)).toMatchObject([
    { reason: expect.stringContaining('the cache holds no more') },
  ]);
});

test('what a server was doing when it stopped is left to the next', async () => {
  const { create, run, imagesOf, database, registryId } = await setUp();
  const id = await create(['app:v1', 'app:v2']);
  const stopping = AbortSignal.abort();
  expect(await run(stopping)).toEqual({ result: { tried: 0, bytes: 0 }, again: false });
  expect(await imagesOf(id)).toMatchObject([{ waitMs: 0 }, { waitMs: 0 }]);
  await run();
  expect(await database.prewarms.find(registryId, id)).toMatchObject({ waiting: 0, done: 1, failed: 1 });
});

test('a run takes so many images, and says that there are more', async () => {
  const { create, run, database, registryId } = await setUp();
  const id = await create(Array.from({ length: 61 }, (_, number) => `app:${number}`));
  expect(await run()).toMatchObject({ result: { tried: 60 }, again: true });
  expect(await database.prewarms.find(registryId, id)).toMatchObject({ waiting: 1, failed: 60 });
  expect(await run()).toMatchObject({ result: { tried: 1 }, again: false });
});

test('three images are fetched at once, and no more', async () => {
  const { repository, create, run } = await setUp();
  const manifest = repository.manifest.bind(repository);
  const { promise: opened, resolve: open } = Promise.withResolvers<void>();
  let running = 0;
  let most = 0;
  repository.manifest = async (...asked) => {
    running += 1;
    most = Math.max(most, running);
    if (most === 3) setImmediate(open);
    await opened;
    running -= 1;
    return manifest(...asked);
  };
  await create(Array.from({ length: 9 }, (_, number) => `app${number}:v1`));
  await run();
  expect(most).toBe(3);
});

test('a run is repeated from its beginning on, and not while images of the last one wait', async () => {
  const { clock, repository, create, run, database, registryId, seen } = await setUp();
  const id = await create(['app:v1'], 24);
  const begun = clock.now;
  await run();
  clock.now += 24 * hourMs - 1;
  await run();
  expect(seen.done).toBe(1);
  clock.now += 1;
  await run();
  expect(seen.done).toBe(2);
  const again = await database.prewarms.find(registryId, id);
  expect(again).toMatchObject({ startedAt: begun + 24 * hourMs, nextRunAt: begun + 48 * hourMs, done: 1 });
  expect(again?.bytes).toBe(seen.bytes / 2);
  repository.failure = new OciError('TOOMANYREQUESTS', { headers: { 'Retry-After': String(48 * 3600) } });
  clock.now += 24 * hourMs;
  await run();
  const { startedAt } = (await database.prewarms.find(registryId, id)) ?? {};
  clock.now += 25 * hourMs;
  await run();
  expect(await database.prewarms.find(registryId, id)).toMatchObject({ startedAt, waiting: 1 });
  repository.failure = undefined;
  clock.now += 24 * hourMs;
  await run();
  await run();
  expect(await database.prewarms.find(registryId, id)).toMatchObject({
    startedAt: clock.now,
    waiting: 0,
    done: 1,
  });
});

test('what the database throws ends the run, for others to try again', async () => {
  const { database, create, run } = await setUp();
  await create(['app:v1']);
  database.prewarms.end = () => Promise.reject(new Error('the database is away'));
  database.prewarms.postpone = () => Promise.reject(new Error('the database is away'));
  await expect(run()).rejects.toThrow('the database is away');
});
