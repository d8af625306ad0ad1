import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { startHash, UploadSpool } from '../../../../src/hosted/uploads/upload-spool.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { SpoolError } from '../../../../src/storage/blob-store.ts';
import { BufferBudget } from '../../../../src/storage/chunk-reader.ts';
import { seededBytes } from '../../../support/fake-content.ts';
import { MemorySpool } from '../../../support/memory-spool.ts';
import { OpenBody } from '../../../support/open-body.ts';
import { never } from '../shop.ts';

const kib = 1024;
const endless = Number.POSITIVE_INFINITY;

/** Knows how many bytes each write had; writes wait for `gate`. */
class WatchedSpool extends MemorySpool {
  readonly writes: number[] = [];
  gate: Promise<void> = Promise.resolve();
  reads = 0;

  override async append(...chunks: readonly Uint8Array[]): Promise<void> {
    this.writes.push(chunks.reduce((sum, { length }) => sum + length, 0));
    // As a disk takes them: later, from where they are.
    await this.gate;
    await super.append(...chunks);
  }

  override readAt(buffer: Uint8Array, position: number): Promise<number> {
    this.reads += 1;
    return super.readAt(buffer, position);
  }
}

function uploadOf(spool: WatchedSpool, hash = startHash('sha256')): UploadSpool {
  return new UploadSpool(spool, hash, new BufferBudget());
}

/** Each with memory of its own. */
async function* chunksOf(bytes: Buffer, size: number): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  for (let at = 0; at < bytes.length; at += size) yield new Uint8Array(bytes.subarray(at, at + size));
}

function partOf(body: AsyncIterable<Uint8Array>) {
  return { body, start: undefined, length: undefined };
}

test.each([
  ['of a mebibyte', 64 * kib, 33, [1024 * kib, 1024 * kib, 64 * kib]],
  ['of a mebibyte and more, where chunks do not fit', 1000 * kib, 3, [2000 * kib, 1000 * kib]],
  ['of 512 chunks, where they are crumbs', 1, 1025, [512, 512, 1]],
])('what comes is written in batches %s', async (_what, size, count, writes) => {
  const spool = new WatchedSpool();
  const bytes = seededBytes(size * count, 1);
  const upload = uploadOf(spool);
  await upload.receive(partOf(chunksOf(bytes, size)), endless, never);
  expect(spool.writes).toEqual(writes);
  expect(upload.length).toBe(bytes.length);
  expect(await upload.digest('sha256', never)).toBe(digestOf(bytes));
  expect(spool.reads).toBe(0);
});

test('while a batch is written the next one comes, and no more than that', async () => {
  const spool = new WatchedSpool();
  const disk = Promise.withResolvers<void>();
  spool.gate = disk.promise;
  let asked = 0;
  const body = async function* () {
    for (; asked < 5; asked += 1) yield new Uint8Array(1024 * kib);
  };
  const upload = uploadOf(spool);
  const receiving = upload.receive(partOf(body()), endless, never);
  await new Promise<void>((resolve) => void setImmediate(resolve));
  expect([spool.writes.length, asked]).toEqual([1, 1]);
  disk.resolve();
  await receiving;
  expect([upload.length, asked]).toEqual([5 * 1024 * kib, 5]);
});

test('memory of a chunk is given back once it is written, where it has some of its own', async () => {
  const pool = new ArrayBuffer(8);
  const own = new Uint8Array([1, 2, 3, 4]);
  const part = new Uint8Array(pool, 0, 4);
  const body = async function* () {
    yield own;
    yield part;
  };
  await uploadOf(new WatchedSpool()).receive(partOf(body()), endless, never);
  expect([own.byteLength, pool.byteLength]).toEqual([0, 8]);
});

test('a write that fails ends it, before more is asked for', async () => {
  let asked = 0;
  const body = async function* () {
    for (; asked < 5; asked += 1) yield new Uint8Array(1024 * kib);
  };
  const upload = uploadOf(new WatchedSpool(1024 * kib));
  await expect(upload.receive(partOf(body()), endless, never)).rejects.toThrow(SpoolError);
  expect(asked).toBe(2);
  // What was hashed is not what is there.
  expect(upload.hash).toBeUndefined();
});

test('what is told to stop keeps what came, and leaves the body as it is, and nothing on the signal', async () => {
  const spool = new WatchedSpool();
  const upload = uploadOf(spool);
  const stopping = new AbortController();
  const body = new OpenBody('hello');
  const received = expect(upload.receive(partOf(body), endless, stopping.signal)).rejects.toThrow('stopped');
  await body.isWaitedFor;
  stopping.abort(new Error('stopped'));
  await received;
  expect(upload.length).toBe(5);
  expect(getEventListeners(stopping.signal, 'abort')).toEqual([]);
  await expect(upload.receive(partOf(new OpenBody('unread')), endless, stopping.signal)).rejects.toThrow(
    'stopped',
  );
  expect(upload.length).toBe(5);
});

test('the digest of what is hashed in another way, or was not hashed from its beginning, is that of all bytes', async () => {
  const bytes = seededBytes(200 * kib, 2);
  const spool = new WatchedSpool();
  const upload = uploadOf(spool);
  await upload.receive(partOf(chunksOf(bytes, 64 * kib)), endless, never);
  expect(await upload.digest('sha512', never)).toBe(digestOf(bytes, 'sha512'));
  expect(spool.reads).toBeGreaterThan(0);
  const late = new UploadSpool(spool, undefined, new BufferBudget());
  expect(late.hash).toBeUndefined();
  await late.receive(partOf(chunksOf(Buffer.from('more'), 4)), endless, never);
  expect(await late.digest('sha256', never)).toBe(digestOf(Buffer.concat([bytes, Buffer.from('more')])));
  await expect(late.digest('sha256', AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped');
});

test('the digest may be asked for more than once, and before all is there', async () => {
  const upload = uploadOf(new WatchedSpool());
  await upload.receive(partOf(chunksOf(Buffer.from('hello, '), 3)), endless, never);
  expect(await upload.digest('sha256', never)).toBe(digestOf(Buffer.from('hello, ')));
  await upload.receive(partOf(chunksOf(Buffer.from('world'), 3)), endless, never);
  for (let times = 0; times < 2; times += 1)
    expect(await upload.digest('sha256', never)).toBe(digestOf(Buffer.from('hello, world')));
});

test.each([
  [5, 5, undefined],
  [6, 5, { code: 'SIZE_INVALID', status: 413 }],
  [undefined, 5, undefined],
  [undefined, 4, { code: 'SIZE_INVALID', status: 413 }],
])(
  '5 bytes, announced as %s, are received where %s may come: refused with %j',
  async (length, max, refusal) => {
    const upload = uploadOf(new WatchedSpool());
    const part = { body: chunksOf(Buffer.from('hello'), 2), start: 0, length };
    const received = upload.receive(part, max, never);
    await (refusal ? expect(received).rejects.toMatchObject(refusal) : received);
  },
);

test('what is handed over has no hash to go on with', async () => {
  const spool = new WatchedSpool();
  const upload = uploadOf(spool);
  expect(upload.hash).toBeDefined();
  expect(upload.handOver()).toBe(spool);
  expect(upload.hash).toBeUndefined();
});
