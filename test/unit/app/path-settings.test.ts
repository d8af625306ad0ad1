import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { checkPaths } from '../../../src/app/path-settings.ts';
import { loadSecrets } from '../../../src/app/secrets.ts';
import { explainStartFailure } from '../../../src/app/start-failure.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { readRegularFile } from '../../../src/config/regular-file.ts';
import { ConfigError } from '../../../src/config/settings.ts';
import { openDatabase } from '../../../src/metadata/db/database.ts';
import { silentLog } from '../../support/silent-log.ts';

const defaults = readFileSync(new URL('../../../config/default.yaml', import.meta.url), 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'entrepot-paths-'));
afterAll(() => rmSync(directory, { recursive: true }));
const fifo = join(directory, 'fifo');
execFileSync('mkfifo', [fifo]);
const good = join(directory, 'good.pem');
writeFileSync(good, 'PEM');

function configOf(environment: Readonly<Record<string, string>>) {
  const place = { ENTREPOT_DATA_DIRECTORY: join(directory, 'data'), ...environment };
  return loadConfig({ defaults, environment: place, readFile: () => '' });
}

const tls = (certificate: string, key: string) => ({
  ENTREPOT_HTTP__TLS__CERTIFICATE: certificate,
  ENTREPOT_HTTP__TLS__KEY: key,
});
const tokenKey = (certificate: string, key: string) => ({
  ENTREPOT_AUTH__CERTIFICATE: certificate,
  ENTREPOT_AUTH__KEY: key,
});
const tokens = (bundle: string) => ({
  ENTREPOT_AUTH__TOKEN_REALM: 'https://auth.test/token',
  ENTREPOT_AUTH__TOKEN_SERVICE: 'registry',
  ENTREPOT_AUTH__TOKEN_ISSUER: 'auth',
  ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: bundle,
});

test.each<[string, string, Readonly<Record<string, string>>]>([
  ['data_directory', '/proc/x', { ENTREPOT_DATA_DIRECTORY: '/proc/x' }],
  ['data_directory', '/proc/x/y/z', { ENTREPOT_DATA_DIRECTORY: '/proc/x/y/z' }],
  ['data_directory', '/dev/full', { ENTREPOT_DATA_DIRECTORY: '/dev/full' }],
  ['data_directory', '/dev/null/x', { ENTREPOT_DATA_DIRECTORY: '/dev/null/x' }],
  ['data_directory', fifo, { ENTREPOT_DATA_DIRECTORY: fifo }],
  ['data_directory', '/long', { ENTREPOT_DATA_DIRECTORY: `/long${'x'.repeat(300)}` }],
  ['storage.directory', '/dev/full', { ENTREPOT_STORAGE__DIRECTORY: '/dev/full' }],
  ['storage.directory', fifo, { ENTREPOT_STORAGE__DIRECTORY: join(fifo, 'blobs') }],
  ['http.tls.key', fifo, tls(good, fifo)],
  ['http.tls.key', '/dev/zero', tls(good, '/dev/zero')],
  ['auth.certificate', fifo, tokenKey(fifo, good)],
  ['auth.key', '/dev/zero', tokenKey(good, '/dev/zero')],
  ['auth.token_rootcertbundle', fifo, tokens(fifo)],
])('%s %s is refused by its name', async (setting, path, environment) => {
  const config = configOf(environment);
  const error = await checkPaths(config).then(
    () => undefined,
    (failure: unknown) => failure,
  );
  const explanation = explainStartFailure(error, config) ?? '';
  expect(explanation.startsWith(`${setting}: cannot `)).toBe(true);
  expect(explanation).toContain(` ${path}`);
});

test('paths that can be used are, and the data directory is made with its parents', async () => {
  const data = join(directory, 'a/b/c');
  const blobs = join(directory, 'blobs/not/there/yet');
  const storage = { ENTREPOT_STORAGE__DIRECTORY: blobs };
  await checkPaths(configOf({ ENTREPOT_DATA_DIRECTORY: data, ...storage, ...tls(good, good) }));
  expect([existsSync(data), existsSync(join(directory, 'blobs'))]).toEqual([true, false]);
});

test('a FIFO in place of our own files is not waited for', async () => {
  const data = join(directory, 'fifos');
  mkdirSync(data);
  for (const name of ['secret.key', 'entrepot.db']) execFileSync('mkfifo', [join(data, name)]);
  const secrets = loadSecrets({ environment: {}, dataDirectory: data, sharedDatabase: false });
  await expect(secrets).rejects.toThrow(ConfigError);
  await expect(secrets).rejects.toThrow('is not a file');
  const file = join(data, 'entrepot.db');
  await expect(openDatabase({ url: undefined, file, log: silentLog, now: Date.now })).rejects.toThrow(
    'ENXIO',
  );
});

test('a text that is too large is not read', () => {
  const large = join(directory, 'large');
  writeFileSync(large, Buffer.alloc(9 * 1024 * 1024));
  expect(() => readRegularFile(large)).toThrow('has more than 8388608 bytes');
});
