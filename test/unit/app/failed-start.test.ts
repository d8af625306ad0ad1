import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startServer } from '../../../src/app/start-server.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { silentLog } from '../../support/silent-log.ts';

const defaultsFile = resolve(import.meta.dirname, '../../../config/default.yaml');
const none = {
  rootToken: undefined,
  rootPassword: undefined,
  webhookSecret: undefined,
  oidcClientSecret: undefined,
};

const key = randomBytes(32);

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-test-'));
});

afterEach(() => rm(directory, { recursive: true }));

async function start({ environment = {}, announce = async () => undefined }: Case) {
  const address = { ENTREPOT_DATA_DIRECTORY: directory, ENTREPOT_HTTP__ADDRESS: '127.0.0.1:0' };
  const config = loadConfig({
    defaults: await readFile(defaultsFile, 'utf8'),
    environment: { ...address, ENTREPOT_OPERATIONS__ADDRESS: '127.0.0.1:0', ...environment },
    readFile: () => '',
  });
  const readSecrets = async () => ({ key, ...none });
  return startServer({ config, readSecrets, log: silentLog, now: Date.now, announce });
}

interface Case {
  readonly environment?: Readonly<Record<string, string>>;
  readonly announce?: () => Promise<void>;
}

describe('a start that fails leaves nothing open, and the data can be used at once', () => {
  test.each<[string, Case, RegExp]>([
    [
      'its store cannot be made',
      { environment: { ENTREPOT_STORAGE__DIRECTORY: '/dev/null/blobs' } },
      /ENOTDIR/,
    ],
    [
      'nobody can be told root’s token',
      { announce: () => Promise.reject(new Error('no terminal')) },
      /no terminal/,
    ],
  ])('where %s', async (_, failing, message) => {
    await expect(start(failing)).rejects.toThrow(message);
    await (await start({})).close();
  });
});
