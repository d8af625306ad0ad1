/** What settings name by a path, looked at before it is used: no start may wait for a FIFO, or read a device, for ever. */

import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../config/config.ts';
import { maxFileBytes } from '../config/regular-file.ts';
import { ConfigError } from '../config/settings.ts';
import { reasonOf } from '../config/system-reasons.ts';
import { isSystemError } from '../oci/system-error.ts';
import { makeDirectory } from '../storage/directories.ts';

/** Makes the data directory. What is absent is for whoever reads it to say. @throws ConfigError */
export async function checkPaths({ dataDirectory, storage, http, auth, outbound }: Config): Promise<void> {
  await demandDirectory('data_directory', dataDirectory, makeDirectory);
  if (storage.directory !== undefined)
    await demandDirectory('storage.directory', storage.directory, demandPlace);
  await demandFile('http.tls.certificate', http.tls.certificate);
  await demandFile('http.tls.key', http.tls.key);
  await demandFile('auth.certificate', auth.certificate);
  await demandFile('auth.key', auth.key);
  await demandFile('auth.token_rootcertbundle', auth.tokenRootcertbundle);
  await demandFile('outbound.ca_file', outbound.caFile);
}

async function demandDirectory(
  setting: string,
  path: string,
  use: (path: string) => Promise<unknown>,
): Promise<void> {
  try {
    await use(resolve(path));
  } catch (error) {
    throw new ConfigError([{ origin: '', path: setting, message: `cannot use ${path}: ${reasonOf(error)}` }]);
  }
}

async function demandFile(setting: string, path: string | undefined): Promise<void> {
  const stats = path === undefined ? undefined : await stat(path).catch(() => undefined);
  if (!stats || stats.isDirectory() || (stats.isFile() && stats.size <= maxFileBytes)) return;
  const what = stats.isFile() ? `it has more than ${maxFileBytes} bytes` : 'it is not a file';
  throw new ConfigError([{ origin: '', path: setting, message: `cannot read ${path}: ${what}` }]);
}

/** It is a directory, or can become one: whether it does is for whoever knows what should be in it. */
async function demandPlace(path: string): Promise<void> {
  const stats = await stat(path).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!stats && dirname(path) !== path) return demandPlace(dirname(path));
  if (!stats?.isDirectory()) throw new Error(`${path} is not a directory`);
}
