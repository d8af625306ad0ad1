/** Directories: made with what is above them, written to the disk, listed. */
import { mkdir, open, readdir, stat } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { isSystemError } from '../oci/system-error.ts';

/**
 * With its parents, all for their owner alone, durably; one step at a time, since Node's own never ends below /proc.
 * @throws the system's error
 */
export async function makeDirectory(path: string): Promise<void> {
  const parent = dirname(path);
  const isMade = await makeOne(path).catch(async (error: unknown) => {
    if (!isSystemError(error, 'ENOENT') || parent === path) throw error;
    await makeDirectory(parent);
    return makeOne(path);
  });
  if (isMade) await syncDirectory(parent);
}

/**
 * What is missing below `top`, which is not made itself: where it is gone, a store must not be begun in its place.
 * @throws the system's error, ENOENT where `top` is not there
 */
export async function makeBelow(top: string, path: string): Promise<void> {
  const names = relative(top, path).split(sep);
  for (let count = 1; count <= names.length; count += 1) await makeOne(join(top, ...names.slice(0, count)));
}

/** False where it was there. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 });
    return true;
  } catch (error) {
    // Systems have other reasons, such as EROFS, for what is there already.
    const found = await stat(path).catch(() => undefined);
    if (!found?.isDirectory()) throw error;
    return false;
  }
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
