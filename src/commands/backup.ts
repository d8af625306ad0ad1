/**
 * A backup of the embedded default, made while the server goes on: the database as it is at one moment, the secret key, and every blob
 * that the database names then. What is acknowledged before the backup begins is in it.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { type Pack, pack } from 'tar-stream';
import { storeIdKey } from '../app/storage.ts';
import type { Config } from '../config/config.ts';
import { databaseFile, secretKeyFile } from '../config/data-directory.ts';
import { version } from '../config/version.ts';
import type { StoredBlobs } from '../metadata/content/stored-blobs.ts';
import { type Database, openDatabase } from '../metadata/db/database.ts';
import { copySqlite } from '../metadata/db/sqlite-file.ts';
import type { Log } from '../observe/log.ts';
import { syncDirectory } from '../storage/directories.ts';
import { FilesystemBackup } from '../storage/filesystem-backup.ts';
import {
  BackupRefused,
  type BackupSummary,
  backupFormat,
  backupNames,
  demandEmbedded,
  describeBackup,
} from './backup-archive.ts';
import { type CommandContext, CommandRefused, type Run } from './command.ts';
import { type Progress, showProgress } from './progress.ts';
import { openStores, withDatabase } from './with-database.ts';

const batchSize = 1000;
const maxSnapshots = 5;

/** `backup FILE` */
export function backup(file: string): Run {
  return async (context) => describeBackup(await backUp(context, file), `Backed up to ${file}`);
}

/** @param to a tar archive, which appears when it is whole; it must not exist. @throws BackupRefused */
async function backUp({ config, log, terminal }: CommandContext, to: string): Promise<BackupSummary> {
  demandEmbedded(config);
  if (await isThere(to)) throw new BackupRefused(`${to} exists already: name a new file`);
  const file = databaseFile(config.dataDirectory);
  if (!(await isThere(file))) throw new BackupRefused(`there is no database ${file} to back up`);
  const directory = await mkdtemp(join(dirname(resolve(to)), '.entrepot-backup-'));
  const blobs = await holdStore(config, log);
  try {
    const { snapshot, missing, bytes } = await takeSnapshot(config, directory, blobs, log);
    const progress = await showProgress(terminal, 'Backing up', bytes);
    try {
      const partial = join(directory, 'partial.tar');
      const summary = await writeArchive(partial, { config, snapshot, blobs, missing, progress });
      await rename(partial, to);
      await syncDirectory(dirname(resolve(to)));
      return summary;
    } finally {
      progress.end();
      await snapshot.database.close();
    }
  } finally {
    await blobs.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Without the store there is nothing to back up, and everything would seem lost. @throws CommandRefused */
function holdStore(config: Config, log: Log): Promise<FilesystemBackup> {
  return withDatabase(config, log, async (database) => {
    const { root, identity } = await openStores(config, database, log);
    if (root === undefined) throw new CommandRefused(notInBackups);
    return FilesystemBackup.open(root, identity);
  });
}

const notInBackups =
  'blobs in a bucket are not part of a backup: copy the bucket and the database, see docs/storage.md';

interface Snapshot {
  readonly file: string;
  readonly database: Database;
}

/**
 * Blobs are held before the database is copied, so that the collector may go on; one that is new then is held after it. Should that one
 * have been collected in between, a newer copy of the database does not name it.
 */
function takeSnapshot(
  config: Config,
  directory: string,
  blobs: FilesystemBackup,
  log: Log,
): Promise<{ snapshot: Snapshot } & Held> {
  return withDatabase(config, log, async (live) => {
    const { missing: before } = await holdAll(live.storedBlobs, blobs);
    for (let count = 1; ; count += 1) {
      const copy = join(directory, `${count}.db`);
      copySqlite(databaseFile(config.dataDirectory), copy);
      const database = await openDatabase({ url: undefined, file: copy, log, now: Date.now });
      const held = await holdAll(database.storedBlobs, blobs);
      const isSettled = [...held.missing].every((key) => before.has(key));
      if (isSettled || count === maxSnapshots) {
        // Their bytes are not part of it.
        await database.uploads.removeExpired(Number.MAX_SAFE_INTEGER);
        // What is restored from it is another store, which is taken for its own by what is in it.
        await database.instance.set(storeIdKey, undefined);
        return { snapshot: { file: copy, database }, ...held };
      }
      await database.close();
      await rm(copy);
    }
  });
}

interface Held {
  /** The keys of those that are not there. */
  readonly missing: ReadonlySet<string>;
  /** Of all others. */
  readonly bytes: number;
}

async function holdAll(records: StoredBlobs, blobs: FilesystemBackup): Promise<Held> {
  const missing = new Set<string>();
  let bytes = 0;
  for await (const { storageKey, size } of everyBlob(records)) {
    if (await blobs.hold(storageKey)) bytes += size;
    else missing.add(storageKey);
  }
  return { missing, bytes };
}

async function* everyBlob(records: StoredBlobs) {
  for (let after = ''; ; ) {
    const batch = await records.list(after, batchSize);
    yield* batch;
    const last = batch.at(-1);
    if (!last) return;
    after = last.digest;
  }
}

interface Contents {
  readonly config: Config;
  readonly snapshot: Snapshot;
  readonly blobs: FilesystemBackup;
  readonly missing: ReadonlySet<string>;
  readonly progress: Progress;
}

async function writeArchive(path: string, contents: Contents): Promise<BackupSummary> {
  const archive = pack();
  const output = createWriteStream(path, { flags: 'wx', mode: 0o600, flush: true });
  const written = finished(archive.pipe(output));
  const added = addContents(archive, contents).catch((error: unknown) => {
    output.destroy();
    throw error;
  });
  const [summary] = await Promise.all([added, written]);
  return summary;
}

async function addContents(
  archive: Pack,
  { config, snapshot, blobs, missing, progress }: Contents,
): Promise<BackupSummary> {
  const begin = { format: backupFormat, version, created_at: new Date().toISOString() };
  await addText(archive, backupNames.begin, JSON.stringify(begin));
  const key = await readFile(secretKeyFile(config.dataDirectory), 'utf8').catch(() => undefined);
  if (key !== undefined) await addText(archive, backupNames.secretKey, key);
  const summary = { blobs: 0, bytes: 0, missing: [] as string[] };
  for await (const { digest, storageKey, size } of everyBlob(snapshot.database.storedBlobs)) {
    if (missing.has(storageKey)) {
      summary.missing.push(digest);
      continue;
    }
    await addFile(archive, `${backupNames.blobs}${storageKey}`, size, blobs.read(storageKey));
    summary.blobs += 1;
    summary.bytes += size;
    progress.advance(size);
  }
  await snapshot.database.close();
  const { size } = await stat(snapshot.file);
  await addFile(archive, backupNames.database, size, createReadStream(snapshot.file));
  await addText(archive, backupNames.end, JSON.stringify(summary));
  archive.finalize();
  return summary;
}

function addText(archive: Pack, name: string, text: string): Promise<void> {
  return new Promise((done, fail) => {
    archive.entry({ name, mode: 0o600 }, text, (error) => (error ? fail(error) : done()));
  });
}

function addFile(archive: Pack, name: string, size: number, bytes: Readable): Promise<void> {
  return new Promise((done, fail) => {
    const entry = archive.entry({ name, size, mode: 0o600 }, (error) => (error ? fail(error) : done()));
    bytes.once('error', fail);
    bytes.pipe(entry);
  });
}

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
