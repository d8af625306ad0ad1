/**
 * Data as it is once the tables are made, and once a server has started for the first time. Each worker makes them once, and each test
 * copies them: what every start does again is for the tests of starting to try.
 */
import { randomBytes } from 'node:crypto';
import { rmSync } from 'node:fs';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../src/metadata/db/database.ts';
import { createDatabase, templatePrefix } from './postgres-database.ts';
import { silentLog } from './silent-log.ts';

export interface DataTemplate {
  /** Data directory. With SQLite the database is in it. */
  readonly directory: string;
  /** Name of the database on PostgreSQL; undefined: SQLite. */
  readonly database: string | undefined;
}

const made = new Map<string, Promise<DataTemplate>>();

/** With tables, and nothing in them. @param serverUrl of PostgreSQL; undefined: SQLite */
export function findEmpty(serverUrl: string | undefined): Promise<DataTemplate> {
  return once(`empty ${serverUrl}`, serverUrl, async ({ directory, url }) => {
    const file = join(directory, 'entrepot.db');
    const database = await openDatabase({ url, file, log: silentLog, now: Date.now });
    await database.close();
  });
}

/** @param start starts a server there for the first time, and stops it */
export function findStarted(
  serverUrl: string | undefined,
  start: (place: { readonly directory: string; readonly url: string | undefined }) => Promise<void>,
): Promise<DataTemplate> {
  return once(`started ${serverUrl}`, serverUrl, start);
}

function once(
  key: string,
  serverUrl: string | undefined,
  fill: (place: { directory: string; url: string | undefined }) => Promise<void>,
): Promise<DataTemplate> {
  const known = made.get(key);
  if (known) return known;
  const making = make(serverUrl, fill);
  made.set(key, making);
  return making;
}

async function make(
  serverUrl: string | undefined,
  fill: (place: { directory: string; url: string | undefined }) => Promise<void>,
): Promise<DataTemplate> {
  const directory = await mkdtemp(join(tmpdir(), 'entrepot-template-'));
  process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
  if (serverUrl === undefined) {
    await fill({ directory, url: undefined });
    return { directory, database: undefined };
  }
  const name = `${templatePrefix()}${randomBytes(4).toString('hex')}`;
  const { url } = await createDatabase(serverUrl, { name });
  await fill({ directory, url });
  return { directory, database: name };
}
