import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listDirectory, makeBelow, makeDirectory, syncDirectory } from '../../../src/storage/directories.ts';
import { createOnce } from '../../../src/storage/durable-files.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('a directory is made with its parents for its owner alone, and is no error where it is there', async () => {
  const root = await temporaryDirectory();
  const path = join(root, 'a/b/c');
  await makeDirectory(path);
  for (const each of [path, join(root, 'a/b'), join(root, 'a')])
    expect((await stat(each)).mode & 0o777).toBe(0o700);
  await makeDirectory(path);
});

test('a directory cannot be made in the place of a file, nor below one, nor where the system has none', async () => {
  const root = await temporaryDirectory();
  const file = join(root, 'file');
  await writeFile(file, '');
  await expect(makeDirectory(file)).rejects.toMatchObject({ code: 'EEXIST' });
  await expect(makeDirectory(join(file, 'a'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(makeDirectory('/proc/none/a')).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what is missing below a directory is made, and the directory itself is not', async () => {
  const root = await temporaryDirectory();
  await makeBelow(root, join(root, 'a/b'));
  await makeBelow(root, join(root, 'a/b/c'));
  expect(await readdir(root, { recursive: true })).toEqual(['a', 'a/b', 'a/b/c']);
  const gone = join(root, 'gone');
  await expect(makeBelow(gone, join(gone, 'a'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('what is not there has no names in it, and cannot be synced; a file has none either, and that is an error', async () => {
  const root = await temporaryDirectory();
  await mkdir(join(root, 'a'));
  await writeFile(join(root, 'file'), '');
  expect((await listDirectory(root)).sort()).toEqual(['a', 'file']);
  expect(await listDirectory(join(root, 'none'))).toEqual([]);
  await expect(listDirectory(join(root, 'file'))).rejects.toMatchObject({ code: 'ENOTDIR' });
  await expect(syncDirectory(join(root, 'none'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('of those who make a file at once one wins, and nobody leaves a draft', async () => {
  const root = await temporaryDirectory();
  const path = join(root, 'once');
  await Promise.all(Array.from({ length: 8 }, (_, index) => createOnce(path, `text ${index}`)));
  expect(await readFile(path, 'utf8')).toMatch(/^text \d$/);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await createOnce(path, 'late');
  expect(await readFile(path, 'utf8')).toMatch(/^text \d$/);
  expect(await readdir(root)).toEqual(['once']);
  await expect(createOnce(join(root, 'none/once'), 'x')).rejects.toMatchObject({ code: 'ENOENT' });
});
