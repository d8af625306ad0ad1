import { existsSync } from 'node:fs';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { findLock } from '../../../src/storage/file-lock.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

test('a lock is one’s own until it is closed, and is its file alone, whatever that is called', async () => {
  const directory = await temporaryDirectory();
  const file = join(directory, 'a b?mode=ro#%20');
  const lock = findLock(file, 'rwc');
  expect(lock).toBeDefined();
  expect([findLock(file, 'rwc'), findLock(file, 'rw')]).toEqual([undefined, undefined]);
  expect(await readdir(directory)).toEqual(['a b?mode=ro#%20']);
  lock?.close();
  const next = findLock(file, 'rw');
  expect(next).toBeDefined();
  next?.close();
});

test('what is gone cannot be locked, and is not made unless that is said', async () => {
  const directory = await temporaryDirectory();
  expect(findLock(join(directory, 'lock'), 'rw')).toBeUndefined();
  expect(findLock(join(directory, 'none/lock'), 'rw')).toBeUndefined();
  expect(findLock(join(directory, 'none/lock'), 'rwc')).toBeUndefined();
  expect(existsSync(join(directory, 'lock'))).toBe(false);
});

test('what cannot be a lock is an error', async () => {
  const directory = await temporaryDirectory();
  await mkdir(join(directory, 'folder'));
  await writeFile(join(directory, 'text'), 'no database, and long enough to be seen as none'.repeat(10));
  expect(() => findLock('/proc/none', 'rwc')).toThrow();
  for (const mode of ['rw', 'rwc'] as const) {
    expect(() => findLock(join(directory, 'folder'), mode)).toThrow();
    expect(() => findLock(join(directory, 'text'), mode)).toThrow();
  }
});
