import { mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { SpoolError, type StorageKey } from '../../../src/storage/blob-store.ts';
import { OutOfSpace, unlimitedSpace } from '../../../src/storage/disk-space.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../../../src/storage/filesystem-upload-store.ts';
import { anyStore, StoreAbsent, type StoreGuard } from '../../../src/storage/store-identity.ts';
import { describeBlobStore } from '../../support/blob-store-suite.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { spoolsBelow } from '../../support/spools-below.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const bytes = Buffer.from('the bytes of a blob');

describeBlobStore('a directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'entrepot-blobs-'));
  const store = new FilesystemBlobStore(root);
  return {
    store,
    dispose: async () => {
      expect(await spoolsBelow(root)).toEqual([]);
      await store.close();
      await rm(root, { recursive: true, force: true });
    },
  };
});

const isMountable = await mountSmallDisk().then(async (disk) => {
  await disk?.remove();
  return disk !== undefined;
});

if (isMountable) {
  describeBlobStore('a directory on a small disk', async () => {
    const disk = await mountSmallDisk();
    if (!disk) throw new Error('the disk cannot be mounted again');
    const store = new FilesystemBlobStore(disk.root);
    return {
      store,
      breakWriting: disk.fill,
      dispose: async () => {
        await store.close();
        await disk.remove();
      },
    };
  });
} else {
  test.skip('a full disk: a small one cannot be mounted here', () => undefined);
}

test('files are for their owner only, in the tree that the code describes', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const key = await storeBlob(store);
  const hex = digestOf(bytes).slice('sha256:'.length);
  expect(key).toMatch(new RegExp(`^v1/blobs/sha256/${hex.slice(0, 2)}/${hex}-[0-9a-f]{24}$`));
  expect((await stat(join(root, key))).mode & 0o777).toBe(0o600);
  for (const directory of ['v1', 'v1/blobs', 'v1/blobs/sha256', 'v1/spool']) {
    expect((await stat(join(root, directory))).mode & 0o777, directory).toBe(0o700);
  }
});

test('a spool that is closed without a commit leaves nothing', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const spool = await store.createSpool();
  await spool.append(bytes);
  expect(await spoolsBelow(root)).toHaveLength(1);
  await spool.close();
  expect(await spoolsBelow(root)).toEqual([]);
});

test('a file becomes a spool without being copied, and a blob whose end is not its own', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const file = join(root, 'theirs');
  await writeFile(file, bytes, { mode: 0o644 });
  await symlink(file, join(root, 'link'));
  for (const path of [file, join(root, 'link')]) {
    const spool = await store.spoolFile(path);
    expect(spool?.length).toBe(bytes.length);
    const key = (await spool?.commit(digestOf(bytes))) ?? '';
    await spool?.close();
    const [ours, theirs] = [await stat(join(root, key)), await stat(file)];
    expect(ours.ino === theirs.ino || (ours.mode & 0o777) === 0o600).toBe(true);
    expect(theirs.mode & 0o777).toBe(0o644);
    await store.delete(key);
    expect(await readFile(file)).toEqual(bytes);
  }
  const left = await store.spoolFile(file);
  await left?.close();
  expect(await spoolsBelow(root)).toEqual([]);
  expect(await readFile(file)).toEqual(bytes);
});

test('a file of another file system, or that is not there, becomes no spool', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  for (const path of ['/proc/version', join(root, 'nothing')])
    expect(await store.spoolFile(path)).toBeUndefined();
  expect(await spoolsBelow(root)).toEqual([]);
});

test('a file in place of the directory is an error that names it to us, and not to strangers', async () => {
  const root = join(await temporaryDirectory(), 'occupied');
  await writeFile(root, '');
  const store = createStore(root);
  await expect(store.createSpool()).rejects.toThrow(SpoolError);
  await expect(store.createSpool()).rejects.toMatchObject({
    message: 'no spool can be made: the storage is not there',
    cause: { message: expect.stringContaining(root) },
  });
  await expect(store.check()).rejects.toThrow(SpoolError);
  await rm(root);
  await store.check();
});

test('a commit that fails leaves neither a blob nor a spool', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const spool = await store.createSpool();
  onTestFinished(() => spool.close());
  await spool.append(bytes);
  await mkdir(join(root, 'v1/blobs'), { recursive: true });
  await writeFile(join(root, 'v1/blobs/sha256'), '');
  await expect(spool.commit(digestOf(bytes))).rejects.toThrow(SpoolError);
  expect(await spoolsBelow(root)).toEqual([]);
  expect(await readdir(join(root, 'v1/blobs'))).toEqual(['sha256']);

  await rm(join(root, 'v1/blobs/sha256'));
  await storeBlob(store);
});

test('a store whose directories are removed makes them again', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const lost = await storeBlob(store);
  await rm(join(root, 'v1'), { recursive: true });
  expect(await store.open(lost)).toBeUndefined();
  await expect(store.check()).rejects.toThrow(SpoolError);
  await store.check();
  await expect(storeBlob(store)).rejects.toThrow(SpoolError);
  await storeBlob(store);
});

describe('where the store is not there', () => {
  const absent = () => new StoreAbsent('gone');
  /** Known to be away, or found out only by looking. */
  const away: StoreGuard = {
    demand: () => {
      throw absent();
    },
    check: () => Promise.reject(absent()),
  };
  const unnoticed: StoreGuard = { demand: () => undefined, check: away.check };

  test('nothing is made, nothing is taken for absent, and nothing is deleted', async () => {
    const root = await temporaryDirectory();
    const key = await storeBlob(createStore(root));
    for (const guard of [away, unnoticed]) {
      const store = new FilesystemBlobStore(root, guard);
      await expect(store.createSpool()).rejects.toThrow(StoreAbsent);
      await expect(store.check()).rejects.toThrow(StoreAbsent);
      await expect(store.open(`${key.slice(0, -1)}g`)).rejects.toThrow('not the key');
      await expect(store.open(key.replace(/.$/, (last) => (last === '0' ? '1' : '0')))).rejects.toThrow(
        StoreAbsent,
      );
      await expect(store.delete(key)).rejects.toThrow(StoreAbsent);
    }
    await expect(new FilesystemBlobStore(root, away).open(key)).rejects.toThrow(StoreAbsent);
    const blob = await createStore(root).open(key);
    expect(blob).toBeDefined();
    await blob?.close();
  });

  test('a spool whose directory went with it says so', async () => {
    const root = await temporaryDirectory();
    let guard: StoreGuard = anyStore(root);
    const store = new FilesystemBlobStore(root, {
      demand: () => guard.demand(),
      check: () => guard.check(),
    });
    onTestFinished(() => store.close());
    await storeBlob(store);
    await rm(join(root, 'v1'), { recursive: true });
    guard = unnoticed;
    await expect(store.createSpool()).rejects.toThrow(StoreAbsent);
    await expect(store.createSpool()).rejects.toThrow(StoreAbsent);
    guard = anyStore(root);
    await (await store.createSpool()).close();
  });
});

test('a blob that cannot be opened or read for another reason than its absence is unavailable', async () => {
  const root = await temporaryDirectory();
  const store = createStore(root);
  const key = await storeBlob(store);
  await rm(join(root, key));
  await mkdir(join(root, key));
  const isGone = () => Promise.reject(new StoreAbsent('gone'));
  const vanished = new FilesystemBlobStore(root, { demand: () => undefined, check: isGone });
  const [folder, lost] = [await store.open(key), await vanished.open(key)];
  await expect(folder?.readAt(Buffer.alloc(1), 0)).rejects.toMatchObject({ code: 'EISDIR' });
  await expect(lost?.readAt(Buffer.alloc(1), 0)).rejects.toThrow(StoreAbsent);
  await folder?.close();
  await lost?.close();
  await rm(join(root, key), { recursive: true });
  await rm(join(root, 'v1/blobs'), { recursive: true });
  await writeFile(join(root, 'v1/blobs'), '');
  await expect(store.open(key)).rejects.toThrow(UnavailableError);
  await expect(store.delete(key)).rejects.toThrow(UnavailableError);
});

test('a spool is neither begun nor grown where the reserve is reached, and goes on once there is room', async () => {
  const root = await temporaryDirectory();
  let room = 0;
  const demand = async (needed: number) => {
    if (needed >= room) throw new OutOfSpace();
  };
  const space = { demand, take: demand, lookAgain: () => undefined };
  const store = new FilesystemBlobStore(root, anyStore(root), space);
  onTestFinished(() => store.close());
  await expect(store.createSpool()).rejects.toThrow(OutOfSpace);
  room = bytes.length;
  const spool = await store.createSpool();
  onTestFinished(() => spool.close());
  await spool.append(bytes.subarray(1));
  await expect(spool.append(bytes.subarray(1), bytes.subarray(0, 1))).rejects.toThrow(OutOfSpace);
  expect(spool.length).toBe(bytes.length - 1);
  await spool.append(bytes.subarray(0, 1));
  await spool.commit(digestOf(Buffer.concat([bytes.subarray(1), bytes.subarray(0, 1)])));
});

test('what cannot be begun has the disk looked at again', async () => {
  const root = join(await temporaryDirectory(), 'occupied');
  await writeFile(root, '');
  const looks: string[] = [];
  const space = { ...unlimitedSpace, lookAgain: () => void looks.push('again') };
  const isThere = { demand: () => undefined, check: async () => undefined };
  await expect(new FilesystemBlobStore(root, isThere, space).createSpool()).rejects.toThrow(SpoolError);
  await expect(new FilesystemUploadStore(root, isThere, space).openUpload('id')).rejects.toThrow(SpoolError);
  expect(looks).toHaveLength(2);
});

test('what was committed is still there for the next process', async () => {
  const root = await temporaryDirectory();
  const first = new FilesystemBlobStore(root);
  const key = await storeBlob(first);
  await first.close();
  expect(await readdir(join(root, 'v1/spool'))).toEqual([]);
  const blob = await createStore(root).open(key);
  expect(blob?.size).toBe(bytes.length);
  await blob?.close();
});

test('a sweep removes what dead owners left, with a lock or before they had one, and nothing that it does not know', async () => {
  const root = await temporaryDirectory();
  await mkdir(join(root, 'v1/spool/begun'), { recursive: true });
  await mkdir(join(root, 'v1/spool/unknown'));
  await writeFile(join(root, 'v1/spool/unknown/file'), '');
  await mkdir(join(root, 'v1/spool/dead'));
  for (const name of ['lock', 'one', 'two']) await writeFile(join(root, 'v1/spool/dead', name), '');
  const store = createStore(root);
  expect(await store.sweepSpools()).toBe(2);
  expect(await readdir(join(root, 'v1/spool'))).toEqual(['unknown']);
});

test('processes that start and sweep at once do not take each other’s spools', async () => {
  const root = await temporaryDirectory();
  const stores = Array.from({ length: 8 }, () => createStore(root));
  await Promise.all(
    stores.map(async (store) => {
      for (let round = 0; round < 10; round += 1) {
        await store.sweepSpools();
        const spool = await store.createSpool();
        await spool.append(bytes);
        await spool.commit(digestOf(bytes));
        await spool.close();
        await store.close();
      }
    }),
  );
});

function createStore(root: string): FilesystemBlobStore {
  const store = new FilesystemBlobStore(root);
  onTestFinished(() => store.close());
  return store;
}

async function storeBlob(store: FilesystemBlobStore): Promise<StorageKey> {
  const spool = await store.createSpool();
  try {
    await spool.append(bytes);
    return await spool.commit(digestOf(bytes));
  } finally {
    await spool.close();
  }
}
