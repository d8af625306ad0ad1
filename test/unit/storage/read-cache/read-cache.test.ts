import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Digest, digestOf, hexOf } from '../../../../src/oci/digest.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import type { BlobReader } from '../../../../src/storage/blob-store.ts';
import { BufferBudget, readChunks } from '../../../../src/storage/chunk-reader.ts';
import { OutOfSpace, unlimitedSpace } from '../../../../src/storage/disk-space.ts';
import { ReadCache, type ReadCacheOptions } from '../../../../src/storage/read-cache/read-cache.ts';
import { seededBytes } from '../../../support/fake-content.ts';
import { listeningLog } from '../../../support/listening-log.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const mib = 1024 * 1024;
const bytes = seededBytes(3 * mib + 7, 1);
const digest = digestOf(bytes);

/** A store that counts, and can be held up. */
class FarStore {
  readonly blobs = new Map<string, Buffer>([['key', bytes]]);
  opened = 0;
  closed = 0;
  /** Bytes read. */
  read = 0;
  gate: Promise<void> = Promise.resolve();
  /** Where the first transfer stands still from. */
  heldFrom = Number.POSITIVE_INFINITY;
  readonly #held = Promise.withResolvers<void>();
  /** Where reading fails from. */
  failsAt = Number.POSITIVE_INFINITY;

  async open(key: string): Promise<BlobReader | undefined> {
    const blob = this.blobs.get(key);
    if (!blob) return undefined;
    this.opened += 1;
    const isFirst = this.opened === 1;
    return {
      size: blob.length,
      readAt: async (buffer, position) => {
        await this.gate;
        if (isFirst && position >= this.heldFrom) await this.#held.promise;
        if (position >= this.failsAt) throw new Error('the store fails');
        const count = blob.copy(buffer, 0, position);
        this.read += count;
        return count;
      },
      close: async () => {
        this.closed += 1;
      },
    };
  }

  goOn(): void {
    this.#held.resolve();
  }
}

interface World {
  readonly store: FarStore;
  readonly directory: string;
  readonly cache: ReadCache;
  readonly from: string[];
  /** To those who run the server. */
  readonly told: readonly unknown[];
  /** Another process with the same directory. */
  another(changes?: Partial<ReadCacheOptions>): ReadCache;
  clock: number;
}

async function begin(changes: Partial<ReadCacheOptions> = {}): Promise<World> {
  const store = new FarStore();
  const directory = join(await temporaryDirectory(), 'read-cache');
  const from: string[] = [];
  const { log, told } = listeningLog();
  const world = { store, directory, from, told, clock: Date.now() };
  const another = (more: Partial<ReadCacheOptions> = {}) =>
    new ReadCache({
      store,
      isFar: (key) => key !== 'near',
      directory,
      maxBytes: 100 * mib,
      space: unlimitedSpace,
      observer: { opened: (where) => from.push(where) },
      log,
      now: () => world.clock,
      ...changes,
      ...more,
    });
  const cache = another();
  onTestFinished(() => cache.close());
  return Object.assign(world, { another, cache });
}

async function pull(
  cache: ReadCache,
  key = 'key',
  of: Digest = digest,
  start = 0,
  end?: number,
): Promise<Buffer> {
  const reader = await cache.open(key, undefined, of);
  if (!reader) throw new Error('absent');
  const chunks: Buffer[] = [];
  const budget = new BufferBudget();
  try {
    for await (const chunk of readChunks(reader, start, end ?? reader.size, budget))
      chunks.push(Buffer.from(chunk));
  } finally {
    await reader.close();
  }
  return Buffer.concat(chunks);
}

/** The names of the copies, once nothing is on its way. */
async function copies({ cache, directory }: World): Promise<string[]> {
  await cache.close();
  return readdir(directory).catch(() => []);
}

test('a blob that was read is read from the disk from then on', async () => {
  const world = await begin();
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(await copies(world)).toEqual([`sha256-${hexOf(digest)}`]);
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect((await pull(world.cache, 'key', digest, 5, 50)).equals(bytes.subarray(5, 50))).toBe(true);
  expect(world.store).toMatchObject({ opened: 1, closed: 1, read: bytes.length });
  expect(world.from).toEqual(['store', 'cache', 'cache']);
  expect(world.told).toEqual([]);
});

test('what is absent is absent', async () => {
  const { cache } = await begin();
  expect(await cache.open('other', undefined, digest)).toBeUndefined();
});

test('what is near is read where it is', async () => {
  const world = await begin();
  world.store.blobs.set('near', bytes);
  expect((await pull(world.cache, 'near')).equals(bytes)).toBe(true);
  expect((await pull(world.cache, 'near')).equals(bytes)).toBe(true);
  expect(world.store.opened).toBe(2);
  expect([world.from, await copies(world)]).toEqual([[], []]);
});

test('those who read at the same time share one transfer, and each has all bytes', async () => {
  const world = await begin();
  const pulled = await Promise.all(Array.from({ length: 8 }, () => pull(world.cache)));
  expect(pulled.every((each) => each.equals(bytes))).toBe(true);
  expect(world.store.read).toBe(bytes.length);
  await world.cache.close();
  expect(world.store.closed).toBe(world.store.opened);
});

test('one who wants a part is sent it by the store, and nothing is kept', async () => {
  const world = await begin();
  expect((await pull(world.cache, 'key', digest, 0, 10)).equals(bytes.subarray(0, 10))).toBe(true);
  expect((await pull(world.cache, 'key', digest, mib)).equals(bytes.subarray(mib))).toBe(true);
  expect(await copies(world)).toEqual([]);
});

test('when the last reader leaves, the rest is not fetched', async () => {
  const world = await begin();
  const gate = Promise.withResolvers<void>();
  world.store.gate = gate.promise;
  const reader = await world.cache.open('key', undefined, digest);
  const reading = reader?.readAt(Buffer.alloc(10), 0, bytes.length);
  gate.resolve();
  expect(await reading).toBe(10);
  await reader?.close();
  await reader?.close();
  expect(await copies(world)).toEqual([]);
  expect(world.store.read).toBeLessThan(bytes.length);
  expect([world.store.closed, world.told]).toEqual([1, []]);
});

test('a reader who begins again is still one reader', async () => {
  const world = await begin();
  world.store.heldFrom = 1;
  const readers = await Promise.all([
    world.cache.open('key', undefined, digest),
    world.cache.open('key', undefined, digest),
  ]);
  for (const reader of [...readers, ...readers])
    expect(await reader?.readAt(Buffer.alloc(10), 0, bytes.length)).toBe(10);
  for (const reader of readers) await reader?.close();
  world.store.goOn();
  expect(await copies(world)).toEqual([]);
});

test('who comes after the last reader has left has the bytes from the store', async () => {
  const world = await begin();
  world.store.heldFrom = 1;
  const reader = await world.cache.open('key', undefined, digest);
  await reader?.readAt(Buffer.alloc(10), 0, bytes.length);
  await reader?.close();
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  world.store.goOn();
  expect(await copies(world)).toEqual([]);
});

test('a slow reader has the rest from the disk when all is there', async () => {
  const world = await begin();
  const reader = await world.cache.open('key', undefined, digest);
  const first = Buffer.alloc(10);
  await reader?.readAt(first, 0, bytes.length);
  await world.cache.close();
  const rest = Buffer.alloc(bytes.length - 10);
  expect(await reader?.readAt(rest, 10, bytes.length)).toBe(rest.length);
  expect(Buffer.concat([first, rest]).equals(bytes)).toBe(true);
  await reader?.close();
  expect([world.store.opened, world.store.read]).toEqual([1, bytes.length]);
});

test('who reads 16 MiB ahead of what has come asks the store, and who reads less far ahead waits', async () => {
  const world = await begin();
  const long = seededBytes(18 * mib, 4);
  world.store.blobs.set('long', long);
  world.store.heldFrom = 1;
  const reader = await world.cache.open('long', undefined, digestOf(long));
  const some = Buffer.alloc(10);
  await reader?.readAt(some, 0, long.length);
  // What has come is the first chunk.
  const ahead = world.store.read + 16 * mib;
  expect(await reader?.readAt(some, ahead, long.length)).toBe(10);
  expect(some).toEqual(long.subarray(ahead, ahead + 10));
  expect(world.store.opened).toBe(2);
  const waiting = reader?.readAt(some, ahead - 11, long.length);
  const { read } = world.store;
  world.store.goOn();
  expect(await waiting).toBe(10);
  expect(some).toEqual(long.subarray(ahead - 11, ahead - 1));
  expect(world.store.read).toBeGreaterThan(read + mib);
  await reader?.close();
});

test('where a blob goes while it is read, that is what is said', async () => {
  const world = await begin();
  world.store.failsAt = mib;
  const reader = await world.cache.open('key', undefined, digest);
  await reader?.readAt(Buffer.alloc(10), 0, bytes.length);
  world.store.blobs.delete('key');
  await expect(reader?.readAt(Buffer.alloc(10), 2 * mib, bytes.length)).rejects.toThrow(UnavailableError);
  await reader?.close();
});

test.each([
  ['a part from further on', mib, bytes.length],
  ['its beginning', 0, mib],
  ['they do not say how much', 0, undefined],
])('who wants %s has it from the store, and nothing is kept', async (_, start, end) => {
  const world = await begin();
  const reader = await world.cache.open('key', undefined, digest);
  const some = Buffer.alloc(100);
  expect(await reader?.readAt(some, start, end)).toBe(100);
  expect(some).toEqual(bytes.subarray(start, start + 100));
  await reader?.close();
  expect(await copies(world)).toEqual([]);
  expect(world.store).toMatchObject({ opened: 1, closed: 1, read: 100 });
});

test('bytes with another digest are not kept', async () => {
  const world = await begin();
  world.store.blobs.set('key', seededBytes(bytes.length, 2));
  await pull(world.cache);
  expect(await copies(world)).toEqual([]);
  expect(world.told).toMatchObject([['warn', { digest }]]);
});

test('where the store breaks off, its error is the reader’s, and nothing is kept', async () => {
  const world = await begin();
  world.store.failsAt = mib;
  await expect(pull(world.cache)).rejects.toThrow('the store fails');
  expect(await copies(world)).toEqual([]);
  world.store.failsAt = Number.POSITIVE_INFINITY;
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
});

test('where the disk is full, the bytes come from the store', async () => {
  const take = async () => {
    throw new OutOfSpace();
  };
  const world = await begin({ space: { take, lookAgain: () => undefined } });
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(await copies(world)).toEqual([]);
});

test('where the directory cannot be made, the bytes come from the store', async () => {
  const world = await begin();
  await writeFile(world.directory, 'a file');
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(world.told).toMatchObject([['warn', { digest }]]);
  const reader = await world.cache.open('key', undefined, digest);
  const reading = reader?.readAt(Buffer.alloc(10), 0, bytes.length);
  await world.cache.close();
  expect(await reading).toBe(10);
  await reader?.close();
  await rm(world.directory);
  await pull(world.cache);
  expect(await copies(world)).toHaveLength(1);
});

test.each([
  ['cannot be opened', (path: string) => symlink(path, path)],
  ['cannot be read', (path: string) => mkdir(path)],
])('where a copy %s, the bytes come from the store, and that is told', async (_, make) => {
  const world = await begin();
  await mkdir(world.directory);
  await make(join(world.directory, `sha256-${hexOf(digest)}`));
  expect((await pull(world.cache, 'key', digest, 0, 10)).equals(bytes.subarray(0, 10))).toBe(true);
  await world.cache.close();
  expect(world.told).toMatchObject([['warn', { digest }]]);
});

test('a copy that came back with other bytes is verified first', async () => {
  const world = await begin();
  await pull(world.cache);
  const [name = ''] = await copies(world);
  await rm(join(world.directory, name));
  await pull(world.cache, 'key', digest, 0, 10);
  await writeFile(join(world.directory, name), seededBytes(bytes.length, 3));
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(world.from).toEqual(['store', 'store', 'store']);
  await world.cache.close();
  // That the copy was wrong, and nothing else.
  expect(world.told).toMatchObject([['warn', { digest }]]);
});

test('that a copy is in use is written down every ten minutes, and once it was verified', async () => {
  const world = await begin();
  await pull(world.cache);
  const [name = ''] = await copies(world);
  const path = join(world.directory, name);
  const old = new Date(1_000_000);
  const usedAfter = async (pulled: () => Promise<unknown>) => {
    await utimes(path, old, old);
    await pulled();
    return (await stat(path)).mtimeMs;
  };
  const later = (ms: number) =>
    usedAfter(() => {
      world.clock += ms;
      return pull(world.cache);
    });
  expect(await later(599_999)).toBe(old.getTime());
  expect(await later(1)).toBe(world.clock);
  expect(await later(599_999)).toBe(old.getTime());
  const next = world.another();
  const verified = await usedAfter(async () => {
    await pull(next);
    await next.close();
  });
  expect(verified).toBe(world.clock);
  expect(await usedAfter(() => pull(next))).toBe(old.getTime());
});

test('the directory can be removed at any time', async () => {
  const world = await begin();
  await pull(world.cache);
  await world.cache.close();
  await rm(world.directory, { recursive: true });
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(await copies(world)).toHaveLength(1);
});

test('a copy of a process before is used once it was verified', async () => {
  const world = await begin();
  await pull(world.cache);
  await world.cache.close();
  const later = world.another();
  expect((await pull(later)).equals(bytes)).toBe(true);
  await later.close();
  expect((await pull(later)).equals(bytes)).toBe(true);
  expect(world.from).toEqual(['store', 'store', 'cache']);
});

test('a copy whose bytes are others is removed, and not used', async () => {
  const world = await begin();
  await mkdir(world.directory);
  const path = join(world.directory, `sha256-${hexOf(digest)}`);
  await writeFile(path, seededBytes(bytes.length, 3));
  const pulled = await Promise.all(Array.from({ length: 4 }, () => pull(world.cache)));
  expect(pulled.every((each) => each.equals(bytes))).toBe(true);
  await vi.waitFor(() => expect(stat(path)).rejects.toThrow(), { timeout: 60_000 });
  await pull(world.cache);
  await world.cache.close();
  expect(world.told).toHaveLength(1);
  expect((await readFile(path)).equals(bytes)).toBe(true);
});

test('a copy is verified again after a day', async () => {
  const world = await begin();
  await pull(world.cache);
  await world.cache.close();
  world.clock += 86_400_001;
  await pull(world.cache);
  await world.cache.close();
  await pull(world.cache);
  expect(world.from).toEqual(['store', 'store', 'cache']);
});

test('what is used least goes where there is no room for all', async () => {
  const world = await begin({ maxBytes: 4 * mib });
  const blobs = Array.from({ length: 5 }, (_, index) => seededBytes(mib, 10 + index));
  for (const [index, blob] of blobs.entries()) {
    world.store.blobs.set(`blob-${index}`, blob);
    await pull(world.cache, `blob-${index}`, digestOf(blob));
    await world.cache.close();
    const used = new Date(Date.now() - (index === 0 ? 0 : 100_000 - index * 1000));
    await utimes(join(world.directory, `sha256-${hexOf(digestOf(blob))}`), used, used);
  }
  const kept = [0, 2, 3, 4].map((index) => `sha256-${hexOf(digestOf(blobs[index] ?? bytes))}`);
  expect((await copies(world)).toSorted()).toEqual(kept.toSorted());
});

test('a blob that would take more than a quarter of the room is not kept', async () => {
  const world = await begin({ maxBytes: 12 * mib });
  expect((await pull(world.cache)).equals(bytes)).toBe(true);
  expect(await copies(world)).toEqual([]);
});

test('what processes left that died is removed when room is made', async () => {
  const world = await begin();
  await mkdir(world.directory);
  const left = join(world.directory, '00.partial');
  await writeFile(left, 'left');
  const old = new Date(Date.now() - 7_200_000);
  await utimes(left, old, old);
  const growing = join(world.directory, '01.partial');
  await writeFile(growing, 'growing');
  await pull(world.cache);
  expect((await copies(world)).toSorted()).toEqual(['01.partial', `sha256-${hexOf(digest)}`]);
});
