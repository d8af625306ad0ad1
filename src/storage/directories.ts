/** Directories: made with what is above them, written to the disk, listed. */
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isSystemError } from '../oci/system-error.ts';

/**
 * With its parents, all for their owner alone; one step at a time, since Node's own never ends below /proc.
 * @returns the topmost that was made; undefined: it was there
 * @throws the system's error
 */
export async function makeDirectory(path: string): Promise<string | undefined> {
  try {
    return await makeOne(path);
  } catch (error) {
    if (!isSystemError(error, 'ENOENT') || dirname(path) === path) throw error;
  }
  const top = await makeDirectory(dirname(path));
  const made = await makeOne(path);
  return top ?? made;
}

/**
 * What is missing below `top`, which is not made itself: where it is gone, a store must not be begun in its place.
 * @throws the system's error, ENOENT where `top` is not there
 */
export async function makeBelow(top: string, path: string): Promise<void> {
  const names = relative(top, path).split(sep);
  for (let count = 1; count <= names.length; count += 1) await makeOne(join(top, ...names.slice(0, count)));
}

async function makeOne(path: string): Promise<string | undefined> {
  try {
    await mkdir(path, { mode: 0o700 });
    return path;
  } catch (error) {
    // Systems have other reasons, such as EROFS, for what is there already.
    if (isSystemError(error, 'ENOENT') || !(await isDirectory(path))) throw error;
    return undefined;
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
}

/** A new name in a directory lasts only once this is done. @throws the system's error */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** The names in it; none where it is not there. @throws the system's error */
export async function listDirectory(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}
