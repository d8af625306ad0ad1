import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { BlobAnswer } from '../../../src/oci/repository.ts';
import { BufferBudget, BytesGone } from '../../../src/storage/chunk-reader.ts';
import { rememberedBlob, storedBlob } from '../../../src/storage/stored-blob.ts';

const bytes = Buffer.from('0123456789');

const kept: string[] = [];
const lookElsewhere = () => expect.fail('its bytes are there');
const memory = { keepBytes: (_: unknown, each: Buffer) => void kept.push(each.toString()) };

async function read(blob: BlobAnswer, start: number, end?: number): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of blob.read(start, end, new AbortController().signal))
    chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString();
}

function stored(size: number): BlobAnswer {
  const reader = {
    size,
    readAt: async (buffer: Uint8Array) => buffer.fill(0x61).length,
    close: async () => undefined,
  };
  return storedBlob(digestOf(bytes), 'hit', reader, { buffers: new BufferBudget(), memory, lookElsewhere });
}

test('a stored blob is read from anywhere to anywhere, never beyond its end, and closed with its answer', async () => {
  let isClosed = false;
  const blob = storedBlob(
    digestOf(bytes),
    'hit',
    {
      size: bytes.length,
      readAt: async (buffer, position) => bytes.copy(buffer, 0, position),
      close: async () => {
        isClosed = true;
      },
    },
    { buffers: new BufferBudget(), memory, lookElsewhere },
  );
  expect(blob).toMatchObject({ digest: digestOf(bytes), outcome: 'hit', size: 10 });
  expect([
    await read(blob, 0),
    await read(blob, 3, 5),
    await read(blob, 8, 99),
    await read(blob, 10),
  ]).toEqual(['0123456789', '34', '89', '']);
  await blob.close();
  expect(isClosed).toBe(true);
});

test('a small blob that is read as a whole is kept, and no part of it, and no bigger one', async () => {
  kept.length = 0;
  const most = 64 * 1024;
  for (const [blob, start, end] of [
    [stored(10), 1, undefined],
    [stored(10), 0, 9],
    [stored(most + 1), 0, undefined],
  ] as const)
    await read(blob, start, end);
  expect(kept).toEqual([]);
  await read(stored(10), 0);
  await read(stored(most), 0, most);
  expect(kept).toEqual(['a'.repeat(10), 'a'.repeat(most)]);
});

test('a small blob that is not read to its end is not kept', async () => {
  kept.length = 0;
  for await (const _ of stored(10).read(0, undefined, new AbortController().signal)) break;
  expect(kept).toEqual([]);
});

test('a remembered blob is read from anywhere to anywhere', async () => {
  const blob = rememberedBlob(digestOf(bytes), 'hosted', bytes);
  expect(blob).toMatchObject({ digest: digestOf(bytes), outcome: 'hosted', size: 10 });
  expect([
    await read(blob, 0),
    await read(blob, 3, 5),
    await read(blob, 8, 99),
    await read(blob, 10),
  ]).toEqual(['0123456789', '34', '89', '']);
  await blob.close();
});

test.each([0, 4])(
  'a blob whose bytes are gone after %i of them goes on with the same from elsewhere',
  async (there) => {
    const looked: number[] = [];
    let closed = 0;
    const close = async () => {
      closed += 1;
    };
    const reader = {
      size: bytes.length,
      readAt: async (buffer: Uint8Array, position: number) => {
        if (position >= there) throw new BytesGone();
        return bytes.copy(buffer, 0, position, there);
      },
      close,
    };
    const lookElsewhere = async () => {
      looked.push(there);
      return { ...rememberedBlob(digestOf(bytes), 'miss', bytes), close };
    };
    const blob = storedBlob(digestOf(bytes), 'hit', reader, {
      buffers: new BufferBudget(),
      memory,
      lookElsewhere,
    });
    expect([await read(blob, 0), await read(blob, 2, 6)]).toEqual(['0123456789', '2345']);
    expect(looked).toHaveLength(1);
    await blob.close();
    expect(closed).toBe(2);
  },
);

test('a blob that is shorter than recorded is gone as well, and where nobody has it, that is said', async () => {
  const reader = { size: bytes.length, readAt: async () => 0, close: async () => undefined };
  const blob = storedBlob(digestOf(bytes), 'hit', reader, {
    buffers: new BufferBudget(),
    memory,
    lookElsewhere: () => Promise.reject(new Error('nobody has it')),
  });
  await expect(read(blob, 0)).rejects.toThrow('nobody has it');
  await blob.close();
});
