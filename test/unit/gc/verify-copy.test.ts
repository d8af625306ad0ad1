import { describe, expect, test } from 'vitest';
import { verifyCopy } from '../../../src/gc/verify-copy.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import type { BlobReader } from '../../../src/storage/blob-store.ts';
import { seededBytes } from '../../support/fake-content.ts';

const never = new AbortController().signal;
/** More than is read at once. */
const bytes = seededBytes(2_500_000, 1);
const copy = { digest: digestOf(bytes), storageKey: 'key', size: bytes.length };

/** One copy, and whether it is open. */
function storeOf(stored: Buffer | undefined, readAt?: BlobReader['readAt']) {
  const store = {
    isOpen: false,
    async open() {
      if (!stored) return undefined;
      store.isOpen = true;
      return {
        size: stored.length,
        readAt: readAt ?? (async (buffer, position) => stored.copy(buffer, 0, position)),
        close: async () => {
          store.isOpen = false;
        },
      } satisfies BlobReader;
    },
  };
  return store;
}

function flipped(at: number): Buffer {
  const changed = Buffer.from(bytes);
  changed[at] = (changed[at] ?? 0) ^ 1;
  return changed;
}

const failing = (error: Error) => storeOf(bytes, () => Promise.reject(error));
const broken = Object.assign(new Error('read failed'), { code: 'EIO' });

describe('a copy', () => {
  test.each([
    ['sound', 'whose bytes are what its record says', storeOf(bytes)],
    ['missing', 'that is not there', storeOf(undefined)],
    ['corrupt', 'whose first bit has changed', storeOf(flipped(0))],
    ['corrupt', 'whose last bit has changed', storeOf(flipped(bytes.length - 1))],
    ['corrupt', 'that is too long', storeOf(Buffer.concat([bytes, bytes]))],
    ['corrupt', 'that is cut off', storeOf(bytes.subarray(1))],
    ['corrupt', 'whose bytes end before they should', storeOf(bytes, async () => 0)],
    ['corrupt', 'that the disk cannot give back', failing(new UnavailableError('no', { cause: broken }))],
  ] as const)('is %s %s', async (verdict, _, store) => {
    expect(await verifyCopy(store, copy, never, () => undefined)).toBe(verdict);
    expect(store.isOpen).toBe(false);
  });

  test.each([
    [
      'of a store that is away',
      new UnavailableError('no', { cause: Object.assign(new Error(), { code: 'ESTALE' }) }),
    ],
    ['without a cause', new UnavailableError('no')],
    ['of another kind', broken],
    ['whose cause has no code', new UnavailableError('no', { cause: new Error('EIO') })],
    ['whose cause is none of the system', new UnavailableError('no', { cause: { code: 'EIO' } })],
  ])('is not judged after an error %s', async (_, error) => {
    const store = failing(error);
    await expect(verifyCopy(store, copy, never, () => undefined)).rejects.toBe(error);
    expect(store.isOpen).toBe(false);
  });

  test('is read no further than it is allowed to, and each byte once', async () => {
    const stopping = new AbortController();
    const read: number[] = [];
    const onRead = async (count: number) => {
      read.push(count);
      if (read.length === 2) stopping.abort();
    };
    expect(await verifyCopy(storeOf(bytes), copy, stopping.signal, onRead)).toBeUndefined();
    expect(read).toEqual([1_048_576, 1_048_576]);
    read.length = 0;
    await verifyCopy(storeOf(bytes), copy, never, async (count) => void read.push(count));
    expect(read).toEqual([1_048_576, 1_048_576, 402_848]);
  });

  test('of nothing is sound', async () => {
    const nothing = { digest: digestOf(Buffer.alloc(0)), storageKey: 'key', size: 0 };
    expect(await verifyCopy(storeOf(Buffer.alloc(0)), nothing, never, () => undefined)).toBe('sound');
  });
});
