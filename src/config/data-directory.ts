/** What is where in the data directory. */
import { join } from 'node:path';
import type { Config } from './config.ts';

export function databaseFile(dataDirectory: string): string {
  return join(dataDirectory, 'entrepot.db');
}

/** Where the secret key is that was made here; there is none where one was given. */
export function secretKeyFile(dataDirectory: string): string {
  return join(dataDirectory, 'secret.key');
}

export function blobDirectoryOf({
  storage,
  dataDirectory,
}: Pick<Config, 'storage' | 'dataDirectory'>): string {
  return storage.directory ?? join(dataDirectory, 'blobs');
}
