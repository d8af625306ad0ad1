import { expect, test } from 'vitest';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { ObjectReader } from '../../../../src/storage/objects/object-reader.ts';

const bytes = Buffer.from('0123456789');

/** Gives three bytes at a time. */
class Bucket {
  /** As start-end. */
  readonly asked: string[] = [];
  readonly left: string[] = [];
  isGone = false;
  /** Bytes that each of the next transfers gives before it breaks off, or ends. */
  readonly breaksAfter: number[] = [];
  endsEarly = false;

  async read(
    key: string,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    expect(key).toBe('v1/ab/one');
    const name = `${start}-${end}`;
    this.asked.push(name);
    signal?.addEventListener('abort', () => this.left.push(name));
    return this.isGone ? undefined : this.#chunks(start, end, this.breaksAfter.shift());
  }

  async *#chunks(start: number, end: number, breaksAfter = Number.POSITIVE_INFINITY) {
    for (let at = start; at < end; at += 3) {
      if (at - start >= breaksAfter) {
        if (this.endsEarly) return;
        throw new Error('broken');
      }
      yield bytes.subarray(at, Math.min(end, at + 3));
    }
  }
}

function setUp() {
  const bucket = new Bucket();
  const reader = new ObjectReader(bucket, 'v1/ab/one', bytes.length);
  const read = async (count: number, position: number, end?: number) => {
    const buffer = Buffer.alloc(count);
    return String(buffer.subarray(0, await reader.readAt(buffer, position, end)));
  };
  return { bucket, reader, read };
}

test('what is read in order is one transfer, as far as is wanted', async () => {
  const { bucket, read, reader } = setUp();
  expect([
    await read(4, 0, 10),
    await read(4, 4),
    await read(4, 8),
    await read(4, 10),
    await read(4, 11),
  ]).toEqual(['0123', '4567', '89', '', '']);
  await reader.close();
  expect([bucket.asked, bucket.left]).toEqual([['0-10'], []]);
});

test('without an end, no more is asked for than fits', async () => {
  const { bucket, read } = setUp();
  expect([await read(4, 2), await read(4, 6, 3), await read(3, 0, 100)]).toEqual(['2345', '6789', '012']);
  expect(bucket.asked).toEqual(['2-6', '6-10', '0-10']);
});

test('who reads elsewhere leaves the transfer, and so does who closes', async () => {
  const { bucket, read, reader } = setUp();
  await read(2, 0, 10);
  expect(await read(2, 5, 10)).toBe('56');
  expect(bucket.left).toEqual(['0-10']);
  await reader.close();
  await reader.close();
  expect(bucket.left).toEqual(['0-10', '5-10']);
});

test('a transfer that breaks off is begun anew twice where its bytes are wanted', async () => {
  const { bucket, read } = setUp();
  bucket.breaksAfter.push(3, 0, 3, 0);
  expect(await read(9, 0, 10)).toBe('012345678');
  expect(bucket.asked.splice(0)).toEqual(['0-10', '3-10', '3-10', '6-10', '6-10']);
  bucket.breaksAfter.push(3, 0, 0);
  await expect(read(4, 0, 10)).rejects.toThrow('broken');
  expect(bucket.asked).toEqual(['0-10', '3-10', '3-10']);
});

test('what follows a transfer that was read to its end has all its tries', async () => {
  const { bucket, read } = setUp();
  expect(await read(4, 2)).toBe('2345');
  bucket.breaksAfter.push(0, 0);
  expect(await read(4, 6)).toBe('6789');
  expect(bucket.asked).toEqual(['2-6', '6-10', '6-10', '6-10']);
});

test('who leaves bytes that nobody can call off has left them', async () => {
  const chunks = { next: async () => ({ done: false as const, value: bytes.subarray(0, 3) }) };
  const storage = { read: async () => ({ [Symbol.asyncIterator]: () => chunks }) };
  const reader = new ObjectReader(storage, 'v1/ab/one', bytes.length);
  expect(await reader.readAt(Buffer.alloc(2), 0, 10)).toBe(2);
  await expect(reader.close()).resolves.toBeUndefined();
});

test('a transfer that ends early is no end of the object', async () => {
  const { bucket, read } = setUp();
  bucket.endsEarly = true;
  bucket.breaksAfter.push(0, 0, 0);
  await expect(read(10, 0)).rejects.toThrow(UnavailableError);
  expect(bucket.asked).toHaveLength(3);
});

test('an object that has gone is so at once', async () => {
  const { bucket, read } = setUp();
  bucket.isGone = true;
  await expect(read(10, 0)).rejects.toMatchObject({
    name: 'BytesGone',
    message: 'the stored bytes are gone',
  });
  expect(bucket.asked).toHaveLength(1);
});
