import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadSecrets, type Secrets } from '../../../src/app/secrets.ts';
import { ConfigError, type Environment } from '../../../src/config/settings.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'secrets-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function load(environment: Environment = {}, sharedDatabase = false): Promise<Secrets> {
  return loadSecrets({ environment, dataDirectory: join(directory, 'data'), sharedDatabase });
}

async function faultOf(loading: Promise<Secrets>): Promise<string> {
  const error: unknown = await loading.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof ConfigError) return error.message;
  throw new Error('expected a ConfigError', { cause: error });
}

describe('the secret key', () => {
  test('is made at the first start, readable by its owner alone, and the same ever after', async () => {
    const { key } = await load();
    expect(key).toHaveLength(32);
    expect(await load()).toEqual({ key, rootToken: undefined, rootPassword: undefined });
    const path = join(directory, 'data/secret.key');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(Buffer.from(readFileSync(path, 'utf8'), 'base64')).toEqual(key);
  });

  test('is one, however many processes start at once, and no draft is left', async () => {
    const all = await Promise.all(Array.from({ length: 16 }, () => load()));
    expect(new Set(all.map(({ key }) => key.toString('hex'))).size).toBe(1);
    expect(readdirSync(join(directory, 'data'))).toEqual(['secret.key']);
  });

  test('may be given in base64 or in hex, in the environment or in a file, and then nothing is written', async () => {
    const key = randomBytes(32);
    const file = join(directory, 'key');
    writeFileSync(file, `${key.toString('base64')}\n`);
    for (const environment of [
      { ENTREPOT_SECRET_KEY: key.toString('base64') },
      { ENTREPOT_SECRET_KEY: key.toString('hex') },
      { ENTREPOT_SECRET_KEY_FILE: file },
    ]) {
      expect((await load(environment)).key).toEqual(key);
    }
    expect(readdirSync(directory)).toEqual(['key']);
  });

  test.each([randomBytes(16).toString('base64'), randomBytes(31).toString('hex'), 'secret', '!'.repeat(44)])(
    '%s is refused without being repeated',
    async (text) => {
      const fault = await faultOf(load({ ENTREPOT_SECRET_KEY: text }));
      expect(fault).toMatch(/^ENTREPOT_SECRET_KEY: expected 32 bytes/);
      expect(fault).not.toContain(text);
    },
  );

  test('a damaged file is a fault, and is not replaced', async () => {
    await load();
    const path = join(directory, 'data/secret.key');
    writeFileSync(path, 'half a k');
    expect(await faultOf(load())).toContain(`${path}: expected 32 bytes`);
    expect(readFileSync(path, 'utf8')).toBe('half a k');
  });

  test('is not made up for one of several processes on a database of their own', async () => {
    const fault = await faultOf(load({}, true));
    expect(fault).toContain('ENTREPOT_SECRET_KEY');
    expect(fault).toContain('openssl rand -base64 32');
    expect(readdirSync(directory)).toEqual([]);
  });
});

describe("root's first token and password", () => {
  test('are what the environment says, and empty is none', async () => {
    const rootToken = 'a-token-for-the-first-start';
    expect(await load({ ENTREPOT_ROOT_TOKEN: rootToken, ENTREPOT_ROOT_PASSWORD: '' })).toMatchObject({
      rootToken,
      rootPassword: undefined,
    });
  });

  test('are refused where nobody could log in with them, all at once', async () => {
    const fault = await faultOf(load({ ENTREPOT_ROOT_TOKEN: 'short', ENTREPOT_ROOT_PASSWORD: '1234567' }));
    expect(fault.split('\n')).toEqual([
      'ENTREPOT_ROOT_TOKEN: expected 20 to 255 characters, all printable ASCII without spaces',
      'ENTREPOT_ROOT_PASSWORD: is too short (minimum is 8 characters)',
    ]);
  });

  test('a file that cannot be read is a fault', async () => {
    expect(await faultOf(load({ ENTREPOT_ROOT_TOKEN_FILE: join(directory, 'none') }))).toMatch(
      /^ENTREPOT_ROOT_TOKEN_FILE: cannot read .*: there is no such file/,
    );
  });
});
