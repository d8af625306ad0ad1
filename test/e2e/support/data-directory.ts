/** What lies in a server's data directory, seen from outside. */

import { createHash } from 'node:crypto';
import { createReadStream, type Dirent, readdirSync } from 'node:fs';
import { basename, join, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { isSystemError } from '../../../src/oci/system-error.ts';

export interface PublishedBlob {
  readonly file: string;
  /** The digest it claims to have. */
  readonly hex: string;
}

/** Files named by a digest that are no spools. */
export function publishedBlobs(dataDirectory: string): PublishedBlob[] {
  return filesBelow(dataDirectory).flatMap((file) => {
    const hex = isSpool(file) ? undefined : /(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/.exec(basename(file))?.[0];
    return hex === undefined ? [] : [{ file, hex }];
  });
}

/** Files that a transfer was growing. */
export function spools(dataDirectory: string): string[] {
  return filesBelow(dataDirectory).filter(isSpool);
}

/** Files of uploads that are not finished. */
export function uploads(dataDirectory: string): string[] {
  return filesBelow(dataDirectory).filter((file) => file.split(sep).includes('uploads'));
}

export async function sha256Of(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), hash);
  return hash.digest('hex');
}

/** A directory that the server removes meanwhile has no files. */
function filesBelow(directory: string): string[] {
  return entriesOf(directory).flatMap((entry) => {
    const path = join(directory, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

function entriesOf(directory: string): Dirent[] {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch (error) {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  }
}

function isSpool(file: string): boolean {
  return file.split(sep).includes('spool') && basename(file) !== 'lock';
}
