import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { type Algorithm, digestOf } from '../../../src/oci/digest.ts';
import { FilesystemBackup, WrongCopy } from '../../../src/storage/filesystem-backup.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';
import { StoreAbsent } from '../../../src/storage/store-identity.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const bytes = Buffer.from('the bytes of a blob');

async function* inParts(content: Buffer) {
  yield content.subarray(0, 5);
  yield content.subarray(5);
}

function keyOf(content: Buffer, algorithm: Algorithm = 'sha256'): string {
  const hex = digestOf(content, algorithm).slice(`${algorithm}:`.length);
  return `v1/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}-${'0'.repeat(24)}`;
}

async function openBackup(root: string): Promise<FilesystemBackup> {
  const backup = await FilesystemBackup.open(root);
  onTestFinished(() => backup.close());
  return backup;
}

test.each(['sha256', 'sha512'] as const)(
  'a %s blob that is restored is there under its key',
  async (algorithm) => {
    const root = await temporaryDirectory();
    const backup = await openBackup(join(root, 'blobs'));
    const key = keyOf(bytes, algorithm);
    await backup.restore(key, inParts(bytes));
    expect((await stat(join(root, 'blobs', key))).mode & 0o777).toBe(0o600);
    const blob = await new FilesystemBlobStore(join(root, 'blobs')).open(key);
    expect(blob?.size).toBe(bytes.length);
    await blob?.close();
    expect(await readFile(join(root, 'blobs', key))).toEqual(bytes);
  },
);

test('bytes of another digest are refused, and so is what is no key, and neither is seen', async () => {
  const root = await temporaryDirectory();
  const backup = await openBackup(root);
  await expect(backup.restore(keyOf(Buffer.from('other')), inParts(bytes))).rejects.toThrow(WrongCopy);
  for (const text of ['../../escape', `${keyOf(bytes)}/../x`])
    await expect(backup.restore(text, inParts(bytes))).rejects.toThrow(WrongCopy);
  expect(await readdir(join(root, 'v1'))).toEqual(['spool']);
});

test('what is held is read whole though it is deleted meanwhile, until the end of the backup', async () => {
  const root = await temporaryDirectory();
  const backup = await openBackup(root);
  const key = keyOf(bytes);
  await backup.restore(key, inParts(bytes));
  expect([await backup.hold(key), await backup.hold(key)]).toEqual([true, true]);
  await rm(join(root, key));
  expect(await backup.hold(key)).toBe(true);
  for (let time = 0; time < 2; time += 1) {
    const chunks: Buffer[] = [];
    for await (const chunk of backup.read(key)) chunks.push(chunk);
    expect(Buffer.concat(chunks)).toEqual(bytes);
  }
  await backup.close();
  await backup.close();
  expect(await readdir(join(root, 'v1/spool'))).toEqual([]);
});

test('what is not there is not held, what is no key neither, and what is not held is not read', async () => {
  const backup = await openBackup(await temporaryDirectory());
  const key = keyOf(bytes);
  expect(await backup.hold(key)).toBe(false);
  await expect(backup.hold('v1/store')).rejects.toThrow('not the key');
  expect(() => backup.read(key)).toThrow('is not held');
});

test('what cannot be held though it is there is an error', async () => {
  const root = await temporaryDirectory();
  const backup = await openBackup(root);
  const key = keyOf(bytes);
  await backup.restore(key, inParts(bytes));
  const [owner = ''] = await readdir(join(root, 'v1/spool'));
  await rm(join(root, key));
  await mkdir(join(root, key));
  await expect(backup.hold(key)).rejects.toMatchObject({ code: 'EPERM' });
  expect(await readdir(join(root, 'v1/spool', owner))).toEqual(['lock']);
});

test('without its store there is no backup', async () => {
  const root = await temporaryDirectory();
  const guard = { demand: () => undefined, check: () => Promise.reject(new StoreAbsent('gone')) };
  await expect(FilesystemBackup.open(root, guard)).rejects.toThrow(StoreAbsent);
  expect(await readdir(root)).toEqual([]);
});
