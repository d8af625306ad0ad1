import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { type BlobCopy, type CopyRecords, keepBlob } from '../../../src/storage/keep-blob.ts';
import { MemorySpool } from '../../support/memory-spool.ts';

const digest = digestOf(Buffer.from('bytes'));
const blob = { digest, size: 5 };
const old = { size: 5, storageKey: 'old' };

/** @param sizes of the copies that are there, by their keys */
function setUp(record: typeof old | undefined, sizes: Record<string, number>, isReplaced = true) {
  const replaced: [BlobCopy, string][] = [];
  const closed: string[] = [];
  const records: CopyRecords = {
    find: async () => record,
    replaceCopy: async (copy, from) => {
      replaced.push([copy, from]);
      return isReplaced;
    },
  };
  const store = {
    open: async (key: string) => {
      const size = sizes[key];
      if (size === undefined) return undefined;
      return { size, readAt: async () => 0, close: async () => void closed.push(key) };
    },
  };
  return { tools: { store, records, now: () => 7 }, replaced, closed };
}

describe('verified bytes', () => {
  test('that nobody has recorded are committed', async () => {
    const spool = new MemorySpool();
    const { tools, replaced } = setUp(undefined, {});
    expect(await keepBlob(spool, blob, tools)).toEqual({
      storageKey: `memory/${digest}`,
      isCommitted: true,
      isNew: true,
    });
    expect(spool.state).toBe('committed');
    expect(replaced).toEqual([]);
  });

  test('that are here already are not kept twice', async () => {
    const spool = new MemorySpool();
    const { tools, closed } = setUp(old, { old: 5 });
    expect(await keepBlob(spool, blob, tools)).toEqual({
      storageKey: 'old',
      isCommitted: false,
      isNew: false,
    });
    // Until they are linked, the copy that is here may be collected.
    expect(spool.state).toBe('open');
    expect(closed).toEqual(['old']);
  });

  test.each([
    ['were lost', {}],
    ['are of another length', { old: 4 }],
  ])('heal a record whose own %s', async (_, sizes) => {
    const spool = new MemorySpool();
    const { tools, replaced } = setUp(old, sizes);
    const storageKey = `memory/${digest}`;
    expect(await keepBlob(spool, blob, tools)).toEqual({ storageKey, isCommitted: true, isNew: false });
    expect(replaced).toEqual([[{ ...blob, storageKey, createdAt: 7 }, 'old']]);
  });

  test('are not recorded where somebody else healed the record meanwhile', async () => {
    const { tools } = setUp(old, {}, false);
    expect((await keepBlob(new MemorySpool(), blob, tools)).isNew).toBe(true);
  });

  test('that cannot be committed are an error, and nothing is recorded', async () => {
    const spool = new MemorySpool();
    spool.commit = () => Promise.reject(new SpoolError('no space left on device'));
    const { tools, replaced } = setUp(old, {});
    await expect(keepBlob(spool, blob, tools)).rejects.toThrow(SpoolError);
    expect(replaced).toEqual([]);
  });
});
