import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { OutOfSpace } from '../../../src/storage/disk-space.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../../../src/storage/filesystem-upload-store.ts';
import { StoreAbsent } from '../../../src/storage/store-identity.ts';
import { mountSmallDisk } from '../../support/small-disk.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { describeUploadStore } from '../../support/upload-store-suite.ts';

const bytes = Buffer.from('the bytes of an upload');
const half = bytes.subarray(0, 9);

describeUploadStore('a directory', async () => {
  const root = await mkdtemp(join(tmpdir(), 'entrepot-uploads-'));
  return {
    create: () => new FilesystemUploadStore(root),
    blobs: new FilesystemBlobStore(root),
    dispose: () => rm(root, { recursive: true, force: true }),
  };
});

const isMountable = await mountSmallDisk().then(async (disk) => {
  await disk?.remove();
  return disk !== undefined;
});

if (isMountable) {
  describeUploadStore('a directory on a small disk', async () => {
    const disk = await mountSmallDisk();
    if (!disk) throw new Error('the disk cannot be mounted again');
    return {
      create: () => new FilesystemUploadStore(disk.root),
      blobs: new FilesystemBlobStore(disk.root),
      breakWriting: disk.fill,
      mendWriting: disk.empty,
      dispose: disk.remove,
    };
  });
} else {
  test.skip('a full disk: a small one cannot be mounted here', () => undefined);
}

test('files are for their owner only, in the tree that the code describes', async () => {
  const { root, store } = await createStore();
  const spool = await store.openUpload('id');
  await spool.append(bytes);
  await spool.close();
  const file = join(root, 'v1/uploads/id/free/bytes');
  expect(await readFile(file)).toEqual(bytes);
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  for (const directory of ['v1', 'v1/uploads', 'v1/uploads/id', 'v1/uploads/id/free']) {
    expect((await stat(join(root, directory))).mode & 0o777, directory).toBe(0o700);
  }
});

test('what is committed is a blob of the blob store for the next process, and nothing is left of the upload', async () => {
  const { root, store } = await createStore();
  const spool = await store.openUpload('id');
  await spool.append(bytes);
  const key = await spool.commit(digestOf(bytes));
  await spool.close();
  expect(await readdir(join(root, 'v1/uploads'))).toEqual([]);
  const blob = await new FilesystemBlobStore(root).open(key);
  expect(blob?.size).toBe(bytes.length);
  await blob?.close();
});

test('a commit that fails leaves neither a blob nor an upload', async () => {
  const { root, store } = await createStore();
  const spool = await store.openUpload('id');
  onTestFinished(() => spool.close());
  await spool.append(bytes);
  await mkdir(join(root, 'v1/blobs'), { recursive: true });
  await writeFile(join(root, 'v1/blobs/sha256'), '');
  const failure: unknown = await spool.commit(digestOf(bytes)).catch((error: unknown) => error);
  expect(failure).toMatchObject({ name: 'SpoolError' });
  expect(await readdir(join(root, 'v1/uploads'))).toEqual([]);
  expect(await readdir(join(root, 'v1/blobs'))).toEqual(['sha256']);
});

test('a file in place of the directory is an error that names it to us, and not to strangers', async () => {
  const { root } = await createStore();
  const occupied = join(root, 'occupied');
  await writeFile(occupied, '');
  const store = new FilesystemUploadStore(occupied);
  await expect(store.openUpload('id')).rejects.toThrow(SpoolError);
  await expect(store.openUpload('id')).rejects.toMatchObject({
    message: 'the upload cannot be opened: the storage is not there',
    cause: { message: expect.stringContaining(occupied) },
  });
});

test('what a takeover left that died midway is removed, and the bytes that it copied go on', async () => {
  const { root, store } = await createStore();
  const claim = join(root, 'v1/uploads/id/0123456789abcdef01234567');
  await mkdir(claim, { recursive: true });
  await writeFile(join(claim, 'bytes'), half);
  await writeFile(join(claim, 'fedcba98765432100123456'), bytes.subarray(0, 2));
  const spool = await store.openUpload('id');
  expect(spool.length).toBe(half.length);
  await spool.close();
  expect(await readdir(join(root, 'v1/uploads/id/free'))).toEqual(['bytes']);
});

test.each([
  ['began', 'v1/uploads/id.0123456789abcdef01234567/fedcba987654321001234567'],
  ['ended', 'v1/uploads/id/0123456789abcdef01234567'],
  ['was about to remove', 'v1/uploads/id'],
])(
  'what a process left that %s an upload as it died is no upload, and is removed with it',
  async (_, left) => {
    const { root, store } = await createStore();
    await mkdir(join(root, left), { recursive: true });
    expect(await store.uploadLength('id')).toBe(0);
    const spool = await store.openUpload('id');
    expect(spool.length).toBe(0);
    await spool.append(half);
    await spool.close();
    expect(await store.listUploads()).toEqual(['id']);
    await store.removeUpload('id');
    expect(await readdir(join(root, 'v1/uploads'))).toEqual([]);

    await mkdir(join(root, left), { recursive: true });
    expect(await store.listUploads()).toEqual(['id']);
    await store.removeUpload('id');
    expect(await readdir(join(root, 'v1/uploads'))).toEqual([]);
  },
);

test('opening, measuring and removing an upload end where what lists as its claim cannot be taken', async () => {
  const { root, store } = await createStore();
  // Not UTF-8: the name that a listing gives leads nowhere.
  const odd = Buffer.concat([Buffer.from(join(root, 'v1/uploads/id/')), Buffer.from([0xff])]);
  await mkdir(join(root, 'v1/uploads/id'), { recursive: true });
  await mkdir(odd);
  const faults = [store.removeUpload('id'), store.openUpload('id')].map((work) =>
    work.catch((error: unknown) => error),
  );
  const faster = 'somebody else was faster 100 times';
  expect(await Promise.all(faults)).toEqual([
    new SpoolError(`the upload cannot be removed: ${faster}`),
    new SpoolError(`the upload cannot be opened: ${faster}`),
  ]);
  expect(await store.uploadLength('id')).toBe(0);
});

test('of those who begin an upload at once each is told whether it is theirs, and no draft is left', async () => {
  const { root, store } = await createStore();
  const opened = await Promise.allSettled(Array.from({ length: 12 }, () => store.openUpload('id')));
  let owners = 0;
  for (const each of opened) {
    if (each.status === 'rejected') expect(each.reason).toBeInstanceOf(SpoolError);
    else
      owners += await each.value.close().then(
        () => 1,
        () => 0,
      );
  }
  expect(owners).toBeLessThanOrEqual(1);
  expect(await readdir(join(root, 'v1/uploads'))).toEqual(['id']);
});

test('where the store is not there no upload is opened, absent, or without bytes', async () => {
  const { root, store } = await createStore();
  const spool = await store.openUpload('id');
  await spool.append(bytes);
  await spool.close();
  const absent = () => new StoreAbsent('gone');
  const unnoticed = { demand: () => undefined, check: () => Promise.reject(absent()) };
  const away = {
    ...unnoticed,
    demand: () => {
      throw absent();
    },
  };
  for (const guard of [away, unnoticed]) {
    const elsewhere = new FilesystemUploadStore(root, guard);
    await expect(elsewhere.openUpload('other')).rejects.toThrow(StoreAbsent);
    await expect(elsewhere.uploadLength('other')).rejects.toThrow(StoreAbsent);
    await expect(elsewhere.listUploads()).rejects.toThrow(StoreAbsent);
  }
  await expect(new FilesystemUploadStore(root, away).openUpload('id')).rejects.toThrow(StoreAbsent);
  expect(await readdir(join(root, 'v1/uploads'))).toEqual(['id']);
});

test('an upload asks for room as it grows, and says whether there is some', async () => {
  const { root } = await createStore();
  const demand = async (needed: number) => {
    if (needed > half.length) throw new OutOfSpace();
  };
  const store = new FilesystemUploadStore(root, undefined, {
    demand,
    take: demand,
    lookAgain: () => undefined,
  });
  await store.demandRoom(half.length);
  await expect(store.demandRoom(bytes.length)).rejects.toThrow(OutOfSpace);
  const spool = await store.openUpload('id');
  await spool.append(half);
  await expect(spool.append(bytes)).rejects.toThrow(OutOfSpace);
  await spool.close();
  expect(await store.uploadLength('id')).toBe(half.length);
});

test('a commit whose directory was removed has failed, and nobody took it over', async () => {
  const { root, store } = await createStore();
  const [first, second] = [await store.openUpload('one'), await store.openUpload('two')];
  for (const spool of [first, second]) onTestFinished(() => spool.close());
  for (const spool of [first, second]) await spool.append(bytes);
  await first.commit(digestOf(bytes));
  await rm(join(root, 'v1/blobs'), { recursive: true });
  await expect(second.commit(digestOf(bytes))).rejects.toMatchObject({ name: 'SpoolError' });
});

test('what is none of ours among the uploads is not listed', async () => {
  const { root, store } = await createStore();
  for (const name of ['no_id', '.hidden', 'one', 'one.0123', 'two.0123'])
    await mkdir(join(root, 'v1/uploads', name), { recursive: true });
  expect([...(await store.listUploads())].sort()).toEqual(['one', 'two']);
  await store.removeUpload('one');
  expect((await readdir(join(root, 'v1/uploads'))).sort()).toEqual(['.hidden', 'no_id', 'two.0123']);
});

test('a file in the place of uploads makes them unavailable', async () => {
  const { root, store } = await createStore();
  await mkdir(join(root, 'v1'));
  await writeFile(join(root, 'v1/uploads'), '');
  await expect(store.listUploads()).rejects.toThrow(UnavailableError);
  await expect(store.uploadLength('id')).rejects.toThrow(UnavailableError);
  await expect(store.removeUpload('id')).rejects.toThrow(UnavailableError);
});

async function createStore(): Promise<{ root: string; store: FilesystemUploadStore }> {
  const root = await temporaryDirectory();
  return { root, store: new FilesystemUploadStore(root) };
}
