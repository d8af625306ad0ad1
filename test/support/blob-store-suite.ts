/** What every BlobStore promises, whatever keeps its bytes. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import {
  type BlobReader,
  type BlobStore,
  type CopyTarget,
  type Spool,
  SpoolError,
  type StorageKey,
} from '../../src/storage/blob-store.ts';
import { seededBytes } from './fake-content.ts';

export interface BlobStoreUnderTest {
  readonly store: BlobStore & CopyTarget;
  /** Makes every write fail from now on, as a full or broken disk does. Undefined where that cannot be had. */
  readonly breakWriting?: (() => Promise<void>) | undefined;
  /** What is deleted is gone at once, also for who reads it: nobody links what the collector deletes, for long. */
  readonly deletesAtOnce?: boolean;
  dispose(): Promise<void>;
}

/** @param create gives an empty store */
export function describeBlobStore(name: string, create: () => Promise<BlobStoreUnderTest>): void {
  describe(`${name} as a blob store`, () => {
    let store: BlobStore & CopyTarget;
    let underTest: BlobStoreUnderTest;
    const opened: { close(): Promise<void> }[] = [];

    beforeEach(async () => {
      underTest = await create();
      store = underTest.store;
    });

    afterEach(async () => {
      await Promise.all(opened.splice(0).map((each) => each.close()));
      await underTest.dispose();
    });

    async function createSpool(): Promise<Spool> {
      const spool = await store.createSpool();
      opened.push(spool);
      return spool;
    }

    async function openBlob(key: StorageKey): Promise<BlobReader> {
      const blob = await store.open(key);
      if (!blob) throw new Error(`there is no ${key}`);
      opened.push(blob);
      return blob;
    }

    async function storeBlob(bytes: Buffer): Promise<StorageKey> {
      const spool = await createSpool();
      await spool.append(bytes);
      return spool.commit(digestOf(bytes));
    }

    test('what was appended in odd sizes is stored byte for byte', async () => {
      const bytes = seededBytes(1_500_007, 1);
      const spool = await createSpool();
      let position = 0;
      for (const size of [1, 0, 4095, 4097, 65_536, 65_537, 1, 1_000_000, bytes.length]) {
        await spool.append(bytes.subarray(position, position + size));
        position = Math.min(position + size, bytes.length);
        expect(spool.length).toBe(position);
      }
      const blob = await openBlob(await spool.commit(digestOf(bytes)));
      expect(blob.size).toBe(bytes.length);
      expect(digestOf(await readAll(blob))).toBe(digestOf(bytes));
    });

    test.each([0, 1, 13_000_007])(
      '%s bytes of another store are copied, read once and in order',
      async (size) => {
        const bytes = seededBytes(size, 13);
        let position = 0;
        const source = {
          async readAt(buffer: Uint8Array, start: number) {
            expect(start).toBe(position);
            const read = bytes.copy(buffer.subarray(0, 700_001), 0, start);
            position += read;
            return read;
          },
        };
        const blob = await openBlob(await store.copyIn(source, size, digestOf(bytes)));
        expect([blob.size, position]).toEqual([size, size]);
        expect(digestOf(await readAll(blob))).toBe(digestOf(bytes));
      },
    );

    test('nothing is kept of a copy whose source fails at its end', async () => {
      const source = { readAt: () => Promise.reject(new Error('wrong bytes')) };
      await expect(store.copyIn(source, 5, digestOf(Buffer.from('hello')))).rejects.toThrow('wrong bytes');
    });

    test('chunks that are appended together are stored one after the other', async () => {
      const bytes = seededBytes(900_001, 12);
      const spool = await createSpool();
      await spool.append();
      expect(spool.length).toBe(0);
      const cuts = [0, 1, 1, 65_536, 65_537, 500_000, bytes.length];
      const chunks = cuts.map((cut, index) => bytes.subarray(cut, cuts[index + 1] ?? cut));
      await spool.append(...chunks.slice(0, 3));
      await spool.append(...chunks.slice(3));
      expect(spool.length).toBe(bytes.length);
      const blob = await openBlob(await spool.commit(digestOf(bytes)));
      expect(digestOf(await readAll(blob))).toBe(digestOf(bytes));
    });

    test('a chunk may be reused once append has resolved', async () => {
      const spool = await createSpool();
      const chunk = Buffer.from('first!');
      await spool.append(chunk);
      chunk.write('second');
      await spool.append(chunk);
      expect((await readAll(spool)).toString()).toBe('first!second');
    });

    test('an empty blob is a blob', async () => {
      const blob = await openBlob(await storeBlob(Buffer.alloc(0)));
      expect(blob.size).toBe(0);
      expect(await blob.readAt(Buffer.alloc(10), 0)).toBe(0);
    });

    test('sha512 digests are stored as well', async () => {
      const bytes = seededBytes(1000, 2);
      const spool = await createSpool();
      await spool.append(bytes);
      const blob = await openBlob(await spool.commit(digestOf(bytes, 'sha512')));
      expect(await readAll(blob)).toEqual(bytes);
    });

    test('reads give what is at their position and stop at the end', async () => {
      const bytes = seededBytes(100_000, 3);
      const blob = await openBlob(await storeBlob(bytes));
      const buffer = Buffer.alloc(1000);
      expect(await blob.readAt(buffer, 12_345)).toBe(1000);
      expect(buffer).toEqual(bytes.subarray(12_345, 13_345));
      expect(await blob.readAt(buffer, 99_500)).toBe(500);
      expect(buffer.subarray(0, 500)).toEqual(bytes.subarray(99_500));
      expect(await blob.readAt(buffer, 100_000)).toBe(0);
      expect(await blob.readAt(buffer, 200_000)).toBe(0);
    });

    test('a spool is read while it grows, never beyond what was appended', async () => {
      const bytes = seededBytes(400_000, 4);
      const spool = await createSpool();
      const readers = [readGrowing(spool, bytes.length, 1001), readGrowing(spool, bytes.length, 70_000)];
      for (let position = 0; position < bytes.length; position += 7001) {
        await spool.append(bytes.subarray(position, position + 7001));
      }
      for (const read of await Promise.all(readers)) expect(digestOf(read)).toBe(digestOf(bytes));
    });

    test('a reader of a spool may start anywhere and read behind the end', async () => {
      const spool = await createSpool();
      await spool.append(Buffer.from('0123456789'));
      const buffer = Buffer.alloc(4);
      expect(await spool.readAt(buffer, 8)).toBe(2);
      expect(buffer.subarray(0, 2).toString()).toBe('89');
      expect(await spool.readAt(buffer, 10)).toBe(0);
      expect(await spool.readAt(buffer, 11)).toBe(0);
    });

    test('a committed spool stays readable until it is closed, even when the blob is deleted', async () => {
      const bytes = seededBytes(50_000, 5);
      const spool = await createSpool();
      await spool.append(bytes);
      const key = await spool.commit(digestOf(bytes));
      expect(await readAll(spool)).toEqual(bytes);
      await store.delete(key);
      expect(await readAll(spool)).toEqual(bytes);
    });

    test('an aborted spool stays readable until it is closed and cannot be committed', async () => {
      const bytes = seededBytes(5000, 6);
      const spool = await createSpool();
      await spool.append(bytes);
      await spool.abort();
      expect(await readAll(spool)).toEqual(bytes);
      await expect(spool.commit(digestOf(bytes))).rejects.toThrow('aborted');
      await spool.abort();
    });

    test('what is committed no longer changes', async () => {
      const bytes = seededBytes(5000, 7);
      const spool = await createSpool();
      await spool.append(bytes);
      const key = await spool.commit(digestOf(bytes));
      await expect(spool.append(Buffer.from('more'))).rejects.toThrow('committed');
      await expect(spool.commit(digestOf(bytes))).rejects.toThrow('committed');
      await spool.abort();
      expect(await readAll(await openBlob(key))).toEqual(bytes);
    });

    test('nothing can be appended while a commit is under way', async () => {
      const bytes = seededBytes(5000, 8);
      const spool = await createSpool();
      await spool.append(bytes);
      const committing = spool.commit(digestOf(bytes));
      await expect(spool.append(Buffer.from('more'))).rejects.toThrow('committing');
      expect((await openBlob(await committing)).size).toBe(bytes.length);
    });

    test('each write of the same digest is a copy of its own, and deleting one leaves the other', async () => {
      const bytes = seededBytes(5000, 9);
      const [first, second] = await Promise.all([storeBlob(bytes), storeBlob(bytes)]);
      expect(first).not.toBe(second);
      await store.delete(first);
      expect(await store.open(first)).toBeUndefined();
      expect(await readAll(await openBlob(second))).toEqual(bytes);
    });

    test('a blob that is being read stays readable when it is deleted', async ({ skip }) => {
      if (underTest.deletesAtOnce) return skip('what is deleted is gone at once here');
      const bytes = seededBytes(5000, 10);
      const key = await storeBlob(bytes);
      const blob = await openBlob(key);
      await store.delete(key);
      expect(await readAll(blob)).toEqual(bytes);
    });

    test('deleting what is absent is no error', async () => {
      const key = await storeBlob(Buffer.from('x'));
      await store.delete(key);
      await store.delete(key);
    });

    test('a text that is no key is refused, wherever it points', async () => {
      const key = await storeBlob(Buffer.from('x'));
      for (const text of [
        '',
        '../../etc/passwd',
        `${key}/../x`,
        `/${key}`,
        `${key}\n`,
        key.toUpperCase(),
        key.slice(0, -1),
      ]) {
        await expect(store.open(text as StorageKey), text).rejects.toThrow('not the key');
        await expect(store.delete(text as StorageKey), text).rejects.toThrow('not the key');
      }
    });

    test('many spools grow at once without mixing', async () => {
      const keys = await Promise.all(
        Array.from({ length: 20 }, async (_, index) => {
          const bytes = seededBytes(30_000 + index, index);
          const spool = await createSpool();
          for (let at = 0; at < bytes.length; at += 999) await spool.append(bytes.subarray(at, at + 999));
          return { key: await spool.commit(digestOf(bytes)), digest: digestOf(bytes) };
        }),
      );
      for (const { key, digest } of keys) expect(digestOf(await readAll(await openBlob(key)))).toBe(digest);
    });

    test('closing twice is closing once, and a sweep finds nothing to do behind a store that lives', async () => {
      const spool = await createSpool();
      await spool.append(Buffer.from('x'));
      expect(await store.sweepSpools()).toBe(0);
      await spool.append(Buffer.from('y'));
      expect((await readAll(spool)).toString()).toBe('xy');
      await spool.close();
      await spool.close();
    });

    test('a store that works passes its check', async () => {
      await store.check();
    });

    test('where nothing can be written, that is what is said, and what is read goes on', async ({ skip }) => {
      const { breakWriting } = underTest;
      if (!breakWriting) return skip('no way to break writing here');
      const bytes = seededBytes(5000, 11);
      const key = await storeBlob(bytes);
      const blob = await openBlob(key);
      const spool = await createSpool();
      await spool.append(bytes);
      await breakWriting();
      await expect(store.check()).rejects.toThrow(SpoolError);
      await expect(writeUntilItFails(spool)).rejects.toThrow(SpoolError);
      expect((await readAll(spool)).subarray(0, bytes.length)).toEqual(bytes);
      expect(await readAll(blob)).toEqual(bytes);
    });
  });
}

async function readAll(source: Pick<Spool, 'readAt'>): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for (let position = 0; ; ) {
    const buffer = Buffer.alloc(65_536);
    const read = await source.readAt(buffer, position);
    if (read === 0) return Buffer.concat(chunks);
    chunks.push(buffer.subarray(0, read));
    position += read;
  }
}

async function readGrowing(spool: Spool, size: number, step: number): Promise<Buffer> {
  const all = Buffer.alloc(size);
  const buffer = Buffer.alloc(step);
  for (let position = 0; position < size; ) {
    const read = await spool.readAt(buffer, position);
    if (position + read > spool.length) throw new Error('read beyond what was appended');
    buffer.copy(all, position, 0, read);
    position += read;
    if (read === 0) await new Promise(setImmediate);
  }
  return all;
}

/** A store may take some more into its buffers before it notices. */
async function writeUntilItFails(spool: Spool): Promise<void> {
  const chunk = Buffer.alloc(1024 * 1024);
  for (let written = 0; written < 64; written += 1) await spool.append(chunk);
  await spool.commit(digestOf(Buffer.alloc(0)));
}
