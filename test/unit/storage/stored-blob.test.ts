import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { BufferBudget } from '../../../src/storage/chunk-reader.ts';
import { storedBlob } from '../../../src/storage/stored-blob.ts';

const bytes = Buffer.from('0123456789');

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
    new BufferBudget(),
  );
  expect(blob).toMatchObject({ digest: digestOf(bytes), outcome: 'hit', size: 10 });
  const read = async (start: number, end?: number) => {
    const chunks: Buffer[] = [];
    for await (const chunk of blob.read(start, end, new AbortController().signal))
      chunks.push(Buffer.from(chunk));
    return Buffer.concat(chunks).toString();
  };
  expect([await read(0), await read(3, 5), await read(8, 99), await read(10)]).toEqual([
    '0123456789',
    '34',
    '89',
    '',
  ]);
  await blob.close();
  expect(isClosed).toBe(true);
});
