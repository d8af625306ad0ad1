/** Puts a backup into an empty data directory: every blob is checked as it comes, and the database is there once all else is. */
import { createReadStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { extract } from 'tar-stream';
import { z } from 'zod';
import type { Config } from '../config/config.ts';
import { blobDirectoryOf, databaseFile, secretKeyFile } from '../config/data-directory.ts';
import { listDirectory, makeDirectory, syncDirectory } from '../storage/directories.ts';
import { writeNew } from '../storage/durable-files.ts';
import { FilesystemBackup, WrongCopy } from '../storage/filesystem-backup.ts';
import {
  BackupRefused,
  type BackupSummary,
  backupFormat,
  backupNames,
  demandEmbedded,
  describeBackup,
} from './backup-archive.ts';
import type { Run } from './command.ts';

const maxTextBytes = 64 * 1024 * 1024;
const beginSchema = z.object({ format: z.literal(backupFormat) });
const endSchema = z.object({ blobs: z.int(), bytes: z.int(), missing: z.array(z.string()) });

/** `restore FILE` */
export function restore(file: string): Run {
  return async ({ config }) => describeBackup(await restoreBackup(config, file), `Restored from ${file}`);
}

/**
 * @param from an archive of {@link backup}
 * @throws BackupRefused where something is there already, or the archive is not whole; then nothing is left behind
 */
async function restoreBackup(config: Config, from: string): Promise<BackupSummary> {
  demandEmbedded(config);
  const blobDirectory = blobDirectoryOf(config);
  for (const directory of [config.dataDirectory, blobDirectory]) await demandEmpty(directory);
  await makeDirectory(config.dataDirectory);
  const blobs = await FilesystemBackup.open(blobDirectory);
  try {
    const summary = await unpack(from, config, blobs);
    await blobs.close();
    await rename(partialDatabase(config), databaseFile(config.dataDirectory));
    await syncDirectory(config.dataDirectory);
    return summary;
  } catch (error) {
    await blobs.close();
    // All that is there is ours: it was empty.
    for (const directory of [blobDirectory, config.dataDirectory]) await empty(directory);
    if (error instanceof BackupRefused) throw error;
    if (error instanceof WrongCopy) throw new BackupRefused(`${from} is damaged: ${error.message}`);
    const reason = error instanceof Error ? error.message : String(error);
    throw new BackupRefused(`${from} cannot be restored: ${reason}`, { cause: error });
  }
}

async function unpack(from: string, config: Config, blobs: FilesystemBackup): Promise<BackupSummary> {
  const archive = createReadStream(from);
  const entries = archive.pipe(extract());
  archive.on('error', (error) => entries.destroy(error));
  let restored = 0;
  let hasBegun = false;
  let end: BackupSummary | undefined;
  for await (const entry of entries) {
    const { name } = entry.header;
    if (name === backupNames.begin) {
      beginSchema.parse(JSON.parse(await textOf(bytesOf(entry))));
      hasBegun = true;
      continue;
    }
    if (!hasBegun) throw new BackupRefused(`${from} is no backup of Entrepot, or one of another version`);
    if (name === backupNames.secretKey)
      await writeDurably(secretKeyFile(config.dataDirectory), bytesOf(entry));
    else if (name === backupNames.database) await writeDurably(partialDatabase(config), bytesOf(entry));
    else if (name === backupNames.end) end = endSchema.parse(JSON.parse(await textOf(bytesOf(entry))));
    else if (name.startsWith(backupNames.blobs)) {
      await blobs.restore(name.slice(backupNames.blobs.length), bytesOf(entry));
      restored += 1;
    } else throw new BackupRefused(`${from} has '${name}', which no backup of this version has`);
  }
  if (!end || end.blobs !== restored) throw new BackupRefused(`${from} is not whole: its end is missing`);
  return end;
}

function partialDatabase({ dataDirectory }: Config): string {
  return `${databaseFile(dataDirectory)}.restoring`;
}

async function* bytesOf(entry: AsyncIterable<unknown>): AsyncGenerator<Uint8Array> {
  for await (const chunk of entry) if (chunk instanceof Uint8Array) yield chunk;
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of bytes) {
    chunks.push(chunk);
    size += chunk.length;
    if (size > maxTextBytes) throw new BackupRefused('what it says of itself is too long');
  }
  return Buffer.concat(chunks).toString('utf8');
}

async function writeDurably(path: string, bytes: AsyncIterable<Uint8Array>): Promise<void> {
  await writeNew(path, bytes);
  await syncDirectory(dirname(path));
}

async function demandEmpty(directory: string): Promise<void> {
  if ((await listDirectory(directory)).length > 0)
    throw new BackupRefused(`${directory} is not empty: a backup is only restored into an empty directory`);
}

async function empty(directory: string): Promise<void> {
  for (const name of await listDirectory(directory))
    await rm(`${directory}/${name}`, { recursive: true, force: true });
}
