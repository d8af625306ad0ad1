import { expect, test, vi } from 'vitest';
import { BucketIdentity } from '../../../../src/storage/objects/bucket-identity.ts';
import { ObjectStorageError } from '../../../../src/storage/objects/object-storage.ts';
import { StoreAbsent } from '../../../../src/storage/store-identity.ts';
import { useFakeTimers } from '../../../support/fake-timers.ts';
import { MemoryObjectStorage } from '../../../support/memory-object-storage.ts';

const marker = 'v1/store';

function setUp(recorded?: string) {
  const storage = new MemoryObjectStorage();
  const kept: string[] = [];
  const records = {
    find: async () => recorded ?? kept[0],
    keep: async (id: string) => {
      kept.push(id);
      return kept[0] ?? id;
    },
  };
  return { storage, records, kept, identity: new BucketIdentity({ storage, records }) };
}

async function reasonOf(identity: BucketIdentity): Promise<string | undefined> {
  const error: unknown = await identity.check().catch((thrown: unknown) => thrown);
  if (error === undefined) return undefined;
  expect(error).toBeInstanceOf(StoreAbsent);
  expect(() => identity.demand()).toThrow(StoreAbsent);
  expect(identity.fault).toBe(error instanceof Error && error.message);
  return error instanceof StoreAbsent ? error.reason : undefined;
}

test('a new bucket becomes the store of new records', async () => {
  const { identity, storage, kept } = setUp();
  expect(await reasonOf(identity)).toBeUndefined();
  identity.demand();
  expect(identity.fault).toBeUndefined();
  expect(storage.objects.get(marker)?.bytes.toString()).toBe(`${kept[0]}\n`);
  expect(kept[0]).toMatch(/^[0-9a-f]{8}-/);
});

test('the bucket that the records are about is theirs, also for new ones', async () => {
  for (const recorded of ['id', undefined]) {
    const { identity, storage, kept } = setUp(recorded);
    await storage.put(marker, Buffer.from('id\n'));
    expect(await reasonOf(identity)).toBeUndefined();
    expect(kept).toEqual(recorded ? [] : ['id']);
  }
});

test('another bucket, or an empty one, is not theirs, and stays as it is', async () => {
  const { identity, storage } = setUp('id');
  expect(await reasonOf(identity)).toBe(
    `memory://bucket has no ${marker}: it is not the store of this database, or what was in it is gone`,
  );
  expect(storage.objects.size).toBe(0);
  const other = setUp('id');
  await other.storage.put(marker, Buffer.from('other'));
  expect(await reasonOf(other.identity)).toBe(
    'memory://bucket is the store other, and the records are about id',
  );
  const odd = setUp('id');
  await odd.storage.put(marker, Buffer.alloc(101));
  expect(await reasonOf(odd.identity)).toContain(`has no ${marker}`);
  const long = setUp('x'.repeat(100));
  await long.storage.put(marker, Buffer.from('x'.repeat(100)));
  expect(await reasonOf(long.identity)).toBeUndefined();
});

test('of two that begin at once, the records say which is theirs', async () => {
  const { identity, storage, kept } = setUp();
  storage.failing = (call) => {
    if (call === 'put') kept.push('first');
  };
  expect(await reasonOf(identity)).toMatch(/is the store \S+, and the records are about first/);
});

test('a look is good for a quarter of a minute, and says why the bucket cannot be looked at', async () => {
  useFakeTimers();
  const { identity, storage } = setUp('id');
  await storage.put(marker, Buffer.from('id'));
  expect(await reasonOf(identity)).toBeUndefined();
  const failed = { call: 'HeadObject', permission: 's3:GetObject', place: 's3://images/' };
  storage.failing = () => Promise.reject(new ObjectStorageError('denied', failed, new Error('said')));
  await vi.advanceTimersByTimeAsync(14_999);
  expect(await reasonOf(identity)).toBeUndefined();
  await vi.advanceTimersByTimeAsync(1);
  expect(await reasonOf(identity)).toContain('HeadObject, which needs s3:GetObject, failed at s3://images/');
  storage.failing = undefined;
  expect(await reasonOf(identity)).toBeDefined();
  await vi.advanceTimersByTimeAsync(15_000);
  expect(await reasonOf(identity)).toBeUndefined();
});

test('a fault of ours is told as such', async () => {
  const { identity, storage } = setUp();
  storage.failing = () => Promise.reject(new TypeError('ours'));
  await expect(identity.check()).rejects.toThrow('ours');
});

test('all that the server does is tried once, and nothing is left of it', async () => {
  const { identity, storage } = setUp();
  await identity.tryAll();
  expect(storage.calls).toEqual({ put: 1, head: 1, read: 1, delete: 1, begin: 1, abort: 1, list: 1 });
  expect([storage.objects.size, storage.begun.size]).toEqual([0, 0]);
  storage.failing = (call) => (call === 'list' ? Promise.reject(new Error('list')) : undefined);
  await expect(identity.tryAll()).rejects.toThrow('list');
});
