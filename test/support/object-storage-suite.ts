/** What every driver of an object storage promises, whatever cloud it speaks to. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ObjectPart, ObjectStorage, PartedWrite } from '../../src/storage/objects/object-storage.ts';
import { seededBytes } from './fake-content.ts';

export interface ObjectStorageUnderTest {
  /** Empty. */
  readonly storage: ObjectStorage;
  /** Whether what it presigns can be fetched by HTTP. */
  readonly servesHttp: boolean;
  dispose(): Promise<void>;
}

const key = 'v1/ab/abcdef0123456789abcdef01';

export function describeObjectStorage(name: string, setUp: () => Promise<ObjectStorageUnderTest>): void {
  describe(`${name} as an object storage`, () => {
    let underTest: ObjectStorageUnderTest;
    let storage: ObjectStorage;

    beforeEach(async () => {
      underTest = await setUp();
      ({ storage } = underTest);
    });

    afterEach(async () => {
      storage.close();
      await underTest.dispose();
    });

    async function read(start: number, end: number, from = key): Promise<Buffer | undefined> {
      const chunks = await storage.read(from, start, end);
      if (!chunks) return undefined;
      const all: Uint8Array[] = [];
      for await (const chunk of chunks) all.push(Uint8Array.from(chunk));
      return Buffer.concat(all);
    }

    async function keysOf(prefix: string): Promise<string[]> {
      const keys: string[] = [];
      for await (const object of storage.list(prefix)) keys.push(object.key);
      return keys.sort();
    }

    /** Puts parts one after another. */
    async function putParts(
      write: PartedWrite,
      chunks: readonly (readonly [number, Buffer])[],
    ): Promise<ObjectPart[]> {
      const parts: ObjectPart[] = [];
      let start = 0;
      for (const [number, bytes] of chunks) {
        parts.push({ number, size: bytes.length, tag: await storage.putPart(write, number, bytes, start) });
        start += bytes.length;
      }
      return parts;
    }

    test('what was put is there, with its size and time, and can be read in part', async () => {
      const bytes = seededBytes(1_000_003, 1);
      await storage.put(key, bytes);
      const found = await storage.head(key);
      expect(found).toMatchObject({ key, size: bytes.length });
      expect(Math.abs((found?.writtenAt ?? 0) - Date.now())).toBeLessThan(10 * 60_000);
      expect(await read(0, bytes.length)).toEqual(bytes);
      expect(await read(999_999, 1_000_003)).toEqual(bytes.subarray(999_999));
      expect(await read(12_345, 12_346)).toEqual(bytes.subarray(12_345, 12_346));
    });

    test('an empty object is an object', async () => {
      await storage.put(key, Buffer.alloc(0));
      expect((await storage.head(key))?.size).toBe(0);
    });

    test('what was put again is the new one', async () => {
      await storage.put(key, Buffer.from('first'));
      await storage.put(key, Buffer.from('second'));
      expect(String(await read(0, 6))).toBe('second');
    });

    test('what is absent is so in every way, and deleting it is no error', async () => {
      expect(await storage.head(key)).toBeUndefined();
      expect(await storage.read(key, 0, 10)).toBeUndefined();
      expect(await keysOf('')).toEqual([]);
      await storage.delete(key);
      await storage.put(key, Buffer.from('here'));
      await storage.delete(key);
      expect(await storage.head(key)).toBeUndefined();
      expect(await storage.read(key, 0, 4)).toBeUndefined();
    });

    test('parts with gaps between their numbers become one object, once they are complete', async () => {
      const { minBytes } = storage.limits;
      const [first, second, last] = [
        seededBytes(minBytes, 1),
        seededBytes(minBytes + 1024 * 1024, 2),
        seededBytes(7, 3),
      ];
      const write = { key, id: await storage.begin(key) };
      const parts = await putParts(write, [
        [1, first],
        [3, second],
        [17, last],
      ]);
      expect(await storage.head(key)).toBeUndefined();
      await storage.complete(write, parts);
      const whole = Buffer.concat([first, second, last]);
      expect((await storage.head(key))?.size).toBe(whole.length);
      expect(whole.equals((await read(0, whole.length)) ?? Buffer.alloc(0))).toBe(true);
      const around = [minBytes - 3, minBytes + 3] as const;
      expect(await read(...around)).toEqual(whole.subarray(...around));
    });

    test('one part alone may be small', async () => {
      const write = { key, id: await storage.begin(key) };
      await storage.complete(write, await putParts(write, [[1, Buffer.from('small')]]));
      expect(String(await read(0, 5))).toBe('small');
    });

    test('who asks again for the end that was reached gets no error', async () => {
      const write = { key, id: await storage.begin(key) };
      const parts = await putParts(write, [[1, Buffer.from('small')]]);
      await storage.complete(write, parts);
      await storage.complete(write, parts);
      expect(String(await read(0, 5))).toBe('small');
    });

    test.each(['its id', 'its key alone'])(
      'a write that was aborted by %s cannot be completed',
      async (by) => {
        const write = { key, id: await storage.begin(key) };
        const parts = await putParts(write, [[1, Buffer.from('small')]]);
        await storage.abort({ key, id: by === 'its id' ? write.id : undefined });
        await expect(storage.complete(write, parts)).rejects.toThrow();
        expect(await storage.head(key)).toBeUndefined();
        await storage.abort(write);
      },
    );

    test('objects are listed by the prefix of their keys, at any number of them', async () => {
      const keys = ['v1/aa/one', 'v1/aa/two', 'v1/ab/three', 'v2/aa/four'];
      for (const each of keys) await storage.put(each, Buffer.from('x'));
      expect(await keysOf('v1/')).toEqual(keys.slice(0, 3));
      expect(await keysOf('v1/aa/')).toEqual(keys.slice(0, 2));
      expect(await keysOf('')).toEqual(keys);
    });

    test('a reader who leaves early, or is called off, hinders nobody', async () => {
      const bytes = seededBytes(3_000_000, 5);
      await storage.put(key, bytes);
      for await (const chunk of (await storage.read(key, 0, bytes.length)) ?? []) {
        expect(chunk.length).toBeGreaterThan(0);
        break;
      }
      await expect(
        storage.read(key, 0, bytes.length, AbortSignal.abort(new Error('called off'))),
      ).rejects.toThrow();
      expect(await read(10, 20)).toEqual(bytes.subarray(10, 20));
    });

    test('a presigned URL gives the bytes, in part too, under the type that was asked for', async ({
      skip,
    }) => {
      if (!underTest.servesHttp) return skip('no HTTP here');
      await storage.put(key, Buffer.from('0123456789'));
      const url = await storage.presign(key, { expiresSeconds: 60, contentType: 'application/x-test' });
      const whole = await fetch(url);
      expect([whole.status, whole.headers.get('content-type'), await whole.text()]).toEqual([
        200,
        'application/x-test',
        '0123456789',
      ]);
      const part = await fetch(url, { headers: { Range: 'bytes=2-4' } });
      expect([part.status, await part.text()]).toEqual([206, '234']);
    });
  });
}
