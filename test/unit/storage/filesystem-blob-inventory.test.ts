import { mkdir, readdir, readFile, rename, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import type { StoredCopy } from '../../../src/storage/blob-store.ts';
import { FilesystemBlobInventory } from '../../../src/storage/filesystem-blob-inventory.ts';
import { StoreAbsent, type StoreGuard } from '../../../src/storage/store-identity.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const unique = '0'.repeat(24);

function keyOf(bytes: Buffer, algorithm: 'sha256' | 'sha512' = 'sha256'): string {
  const hex = digestOf(bytes, algorithm).slice(`${algorithm}:`.length);
  return `v1/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}-${unique}`;
}

async function put(root: string, path: string, bytes: Buffer): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), bytes);
}

async function listAll(inventory: FilesystemBlobInventory): Promise<StoredCopy[]> {
  const copies: StoredCopy[] = [];
  for await (const copy of inventory.list()) copies.push(copy);
  expect(copies).toEqual(copies.toSorted((a, b) => (a.key < b.key ? -1 : 1)));
  return copies;
}

test('every copy is listed with its digest, size and time; what is not ours is not', async () => {
  const root = await temporaryDirectory();
  const [one, two] = [Buffer.from('one'), Buffer.from('and two')];
  const keys = [keyOf(one), keyOf(two, 'sha512')];
  await put(root, keyOf(one), one);
  await put(root, keyOf(two, 'sha512'), two);
  await utimes(join(root, keyOf(one)), 0, 1234.5678);
  await utimes(join(root, keyOf(two, 'sha512')), 0, 99);
  await put(root, `${dirname(keyOf(one))}/notes.txt`, one);
  await put(root, 'v1/blobs/md5/00/x', one);
  expect(await listAll(new FilesystemBlobInventory(root))).toEqual([
    { key: keys[0], digest: digestOf(one), size: 3, writtenAt: 1_234_567 },
    { key: keys[1], digest: digestOf(two, 'sha512'), size: 7, writtenAt: 99_000 },
  ]);
});

test('a store without blobs has none, and a file in the place of a directory is an error', async () => {
  const root = await temporaryDirectory();
  expect(await listAll(new FilesystemBlobInventory(root))).toEqual([]);
  await writeFile(join(root, 'v1/blobs'), '');
  await expect(listAll(new FilesystemBlobInventory(root))).rejects.toMatchObject({ code: 'ENOTDIR' });
});

test('what goes while it is listed is not listed, and what cannot be looked at is an error', async () => {
  const root = await temporaryDirectory();
  const folder = 'v1/blobs/sha256/ab';
  const keys = [1, 2, 3].map((count) => `${folder}/ab${`${count}`.repeat(62)}-${unique}`);
  for (const key of keys) await put(root, key, Buffer.from('x'));
  const listed: string[] = [];
  for await (const { key } of new FilesystemBlobInventory(root).list()) {
    listed.push(key);
    for (const other of keys) if (other !== key) await rm(join(root, other), { force: true });
  }
  expect(listed).toHaveLength(1);

  const [first = ''] = listed;
  await rm(join(root, first));
  await symlink(first.slice(folder.length + 1), join(root, first));
  await expect(listAll(new FilesystemBlobInventory(root))).rejects.toMatchObject({ code: 'ELOOP' });
});

test('what is listed once the store has gone is an error before it is taken for orphaned', async () => {
  const root = await temporaryDirectory();
  for (const first of ['00', '11'])
    await put(root, `v1/blobs/sha256/${first}/${first.repeat(32)}-${unique}`, Buffer.of());
  let checks = 0;
  const guard: StoreGuard = {
    demand: () => undefined,
    check: async () => {
      checks += 1;
      if (checks > 2) throw new StoreAbsent('gone');
    },
  };
  const listed: string[] = [];
  const listing = (async () => {
    for await (const { key } of new FilesystemBlobInventory(root, guard).list()) listed.push(key);
  })();
  await expect(listing).rejects.toThrow(StoreAbsent);
  expect(listed).toHaveLength(1);

  const absent: StoreGuard = {
    demand: () => undefined,
    check: () => Promise.reject(new StoreAbsent('gone')),
  };
  const empty = new FilesystemBlobInventory(await temporaryDirectory(), absent);
  await expect(listAll(empty)).rejects.toThrow(StoreAbsent);
  await expect(empty.quarantine(keyOf(Buffer.of()))).rejects.toThrow(StoreAbsent);
});

test('a copy that is put into quarantine is kept there, for its owner alone, and is listed no more', async () => {
  const root = await temporaryDirectory();
  const bytes = Buffer.from('corrupt');
  const key = keyOf(bytes);
  await put(root, key, bytes);
  const inventory = new FilesystemBlobInventory(root);
  expect(await inventory.quarantine(key)).toBe(true);
  expect(await listAll(inventory)).toEqual([]);
  const folder = join(root, 'v1/quarantine');
  const [name = ''] = await readdir(folder);
  expect(key.endsWith(`/${name}`)).toBe(true);
  expect(await readFile(join(folder, name))).toEqual(bytes);
  expect((await stat(folder)).mode & 0o777).toBe(0o700);
  expect(await inventory.quarantine(key)).toBe(false);
});

test('what is no key cannot be put into quarantine, nor what cannot be moved', async () => {
  const root = await temporaryDirectory();
  const key = keyOf(Buffer.of());
  await put(root, key, Buffer.of());
  const inventory = new FilesystemBlobInventory(root);
  await expect(inventory.quarantine('v1/store')).rejects.toThrow('not the key');
  await inventory.quarantine(key);
  const [name = ''] = await readdir(join(root, 'v1/quarantine'));
  await rename(join(root, 'v1/quarantine', name), join(root, key));
  await mkdir(join(root, 'v1/quarantine', name));
  await expect(inventory.quarantine(key)).rejects.toMatchObject({ code: 'EISDIR' });
});
