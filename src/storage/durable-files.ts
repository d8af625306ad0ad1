/** New files, for their owner alone, that are on the disk once they are said to be. */
import { randomUUID } from 'node:crypto';
import { link, open, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from '../oci/system-error.ts';
import { syncDirectory } from './directories.ts';

/** Its name lasts once its directory is synced, too. @throws the system's error, EEXIST where there is such a file, and what the content throws */
export async function writeNew(path: string, content: string | AsyncIterable<Uint8Array>): Promise<void> {
  const file = await open(path, 'wx', 0o600);
  try {
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The file appears whole or not at all, and the first of several processes wins. @throws the system's error */
export async function createOnce(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomUUID()}`;
  try {
    await writeNew(draft, text);
    await link(draft, path).catch((error: unknown) => {
      if (!isSystemError(error, 'EEXIST')) throw error;
    });
  } finally {
    await rm(draft, { force: true });
  }
  await syncDirectory(dirname(path));
}
