/** `entrepot doctor`: all that the server stands on, looked at from where it runs, whether it runs or not. Nothing is changed. */
import { stat } from 'node:fs/promises';
import type { Secrets } from '../../app/secrets.ts';
import type { Config } from '../../config/config.ts';
import { databaseFile, secretKeyFile } from '../../config/data-directory.ts';
import { keyVariable } from '../../config/secret-variables.ts';
import { ConfigError } from '../../config/settings.ts';
import { openReadOnlyDatabase } from '../../metadata/db/database.ts';
import { createLog, type Log } from '../../observe/log.ts';
import { lookAtCertificate } from './certificate.ts';
import { lookAtDirectories } from './directories.ts';
import { type Finding, fault, ok } from './finding.ts';
import { lookAtProxies, lookAtServer, lookAtUpstreams } from './network.ts';
import { lookAtDatabase, lookAtRedis, lookAtStorage } from './services.ts';

export const findingColumns = { PART: 'part', STATE: 'state', FOUND: 'found', 'WHAT TO DO': 'mend' };

export interface Examination {
  /** @throws ConfigError */
  readonly read: () => Config;
  readonly readSecrets: (config: Config) => Promise<Secrets>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export async function examine(examination: Examination): Promise<readonly Finding[]> {
  try {
    return await lookAtAll(examination.read(), examination);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const mend = 'entrepot config prints what results; docs/configuration.md has every setting';
    return error.message.split('\n').map((each) => fault('configuration', each, mend));
  }
}

async function lookAtAll(config: Config, examination: Examination): Promise<readonly Finding[]> {
  const { now } = examination;
  const log = createLog({ level: 'silent' });
  const isMade = config.database.url !== undefined || (await isThere(databaseFile(config.dataDirectory)));
  const database = isMade
    ? await lookAtDatabase(config, log, now)
    : [ok('database', 'the first start makes it')];
  const isUsable = isMade && database.every(({ part, state }) => part !== 'database' || state === 'ok');
  return [
    ok('configuration', 'every setting is valid'),
    ...(await lookAtDirectories(config)),
    ...(await lookAtCertificate(config, now())),
    ...database,
    ...(await lookAtRedis(config, log)),
    ...lookAtProxies(config),
    ...(isUsable ? await lookByRecords(config, examination, log) : []),
    ...(await lookAtServer(config)),
  ];
}

/** What the records name: the store, and the upstreams. */
async function lookByRecords(
  config: Config,
  { readSecrets, environment, now }: Examination,
  log: Log,
): Promise<readonly Finding[]> {
  const { dataDirectory, database } = config;
  const file = databaseFile(dataDirectory);
  const records = await openReadOnlyDatabase({ url: database.url, file, log, now });
  try {
    const storage = await lookAtStorage(config, records, log);
    const isGiven = [keyVariable, `${keyVariable}_FILE`].some((name) => environment[name]);
    // A new one would be made, and would open nothing.
    if (!isGiven && !(await isThere(secretKeyFile(dataDirectory)))) return [...storage, withoutKey];
    const { key } = await readSecrets(config);
    const upstreams = await records.upstreams.listAll();
    return [...storage, ...(await lookAtUpstreams(config, upstreams, key, log, now))];
  } finally {
    await records.close();
  }
}

const withoutKey = fault(
  'secret key',
  'it is gone, and with it the passwords of upstreams and the keys that sign tokens',
  `put secret.key of a backup into the data directory, or give it by ${keyVariable}`,
);

async function isThere(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}
