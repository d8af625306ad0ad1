import { createHash } from 'node:crypto';
import { expect, onTestFinished, test } from 'vitest';
import { untilAborted } from '../../../src/concurrency/until-aborted.ts';
import { type Digest, digestOf } from '../../../src/oci/digest.ts';
import { BlobSha1s } from '../../../src/proxy/blob-sha1s.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { MemoryBlobStore } from '../../support/memory-blob-store.ts';
import { silentLog } from '../../support/silent-log.ts';

const never = new Promise<void>(() => undefined);
const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');

/** Blobs of these texts in a store. @param pause how long what takes this many milliseconds takes */
async function setUp(
  texts: readonly string[],
  pause: (ms: number) => Promise<void> = async (ms) => (ms >= 1000 ? never : undefined),
) {
  const store = new MemoryBlobStore();
  const keys = new Map<Digest, string>();
  for (const text of texts) {
    const spool = await store.createSpool();
    await spool.append(Buffer.from(text));
    const digest = digestOf(Buffer.from(text));
    keys.set(digest, await spool.commit(digest));
  }
  const opened: string[] = [];
  const recorded = new Map<Digest, string>();
  const blobs = {
    async find(digest: Digest) {
      const storageKey = keys.get(digest);
      return storageKey === undefined ? undefined : { digest, size: 1, storageKey, createdAt: 1 };
    },
    setSha1: async (digest: Digest, value: string) => void recorded.set(digest, value),
  };
  const sha1s = new BlobSha1s({
    blobs,
    store: {
      open(key) {
        opened.push(key);
        return store.open(key);
      },
    },
    buffers: new BufferBudget(),
    pause: (ms, signal) => untilAborted(pause(ms), signal),
    log: silentLog,
  });
  onTestFinished(() => sha1s.close());
  return { sha1s, store, keys, opened, recorded, digests: texts.map((text) => digestOf(Buffer.from(text))) };
}

test('the SHA-1 of each blob is told, and kept in its record', async () => {
  const { sha1s, digests, recorded } = await setUp(['one', 'two']);
  const expected = new Map(digests.map((digest, index) => [digest, sha1(['one', 'two'][index] ?? '')]));
  expect(await sha1s.find(digests)).toEqual(expected);
  expect(recorded).toEqual(expected);
});

test('who asks for the same at once is told by one reading', async () => {
  const { sha1s, digests, opened } = await setUp(['one']);
  const [first, second] = await Promise.all([sha1s.find(digests), sha1s.find([...digests, ...digests])]);
  expect(first).toEqual(second);
  expect(opened).toHaveLength(1);
});

test('what takes longer than a second is known later, and the others are told now', async () => {
  const reading = Promise.withResolvers<void>();
  const patience = Promise.withResolvers<void>();
  let isFirst = true;
  const { sha1s, digests, recorded } = await setUp(['fast', 'slow'], async (ms) => {
    if (ms >= 1000) return patience.promise;
    if (!isFirst) await reading.promise;
    isFirst = false;
  });
  const found = sha1s.find(digests);
  await expect.poll(() => recorded.size).toBe(1);
  patience.resolve();
  expect([...(await found).values()]).toEqual([sha1('fast')]);
  reading.resolve();
  await expect.poll(() => [...recorded.values()]).toEqual([sha1('fast'), sha1('slow')]);
});

test('a blob that is not there has none, and is not looked for again at once', async () => {
  const { sha1s, digests, keys, opened, store } = await setUp(['lost', 'there']);
  await store.delete([...keys.values()][0] ?? '');
  const unknown = digestOf(Buffer.from('unknown'));
  for (let times = 0; times < 2; times += 1)
    expect([...(await sha1s.find([...digests, unknown])).values()]).toEqual([sha1('there')]);
  expect(opened.filter((key) => key === [...keys.values()][0])).toHaveLength(1);
});

test('a blob that cannot be read has none, and the others do', async () => {
  const { sha1s, digests, store } = await setUp(['bad', 'good']);
  const open = store.open.bind(store);
  let isFirst = true;
  store.open = async (key) => {
    if (isFirst) {
      isFirst = false;
      throw new Error('the disk fails');
    }
    return open(key);
  };
  expect([...(await sha1s.find(digests)).values()]).toEqual([sha1('good')]);
});

test('the end of the server breaks off the reading', async () => {
  const { sha1s, digests, recorded } = await setUp(['endless', 'next'], () => never);
  const found = sha1s.find(digests);
  await sha1s.close();
  expect(await found).toEqual(new Map());
  expect(recorded.size).toBe(0);
});
