/** What `entrepot doctor` finds of a whole server, and of one that does not run. */
import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { examine } from '../../src/commands/doctor/doctor.ts';
import { readConfig } from '../../src/config/load-config.ts';
import type { TestApp } from '../support/app.ts';
import { pair } from '../support/certificates.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const year = 365 * 86_400_000;

/** Each as "part: state", with what was found where that is asked for. */
async function look(
  environment: Readonly<Record<string, string>>,
  now: () => number = Date.now,
): Promise<readonly { part: string; state: string; found: string; mend: string }[]> {
  const secrets = { rootToken: undefined, rootPassword: undefined, webhookSecret: undefined };
  return examine({
    read: () => readConfig(undefined, environment),
    readSecrets: async () => ({ ...secrets, key: randomBytes(32), oidcClientSecret: undefined }),
    environment: { ENTREPOT_SECRET_KEY: 'given' },
    now,
  });
}

function environmentOf(app: TestApp): Readonly<Record<string, string>> {
  return { ...app.environment, ENTREPOT_HTTP__ADDRESS: new URL(app.url).host };
}

describeApp('a look at a server', (start) => {
  test('finds nothing that is wrong with one that runs, and reaches its upstream as a pull would', async () => {
    await using upstream = await new FakeRegistry().start();
    await using app = await start({ upstreams: [upstream] });
    const found = await look(environmentOf(app));
    expect(found.filter(({ state }) => state === 'fault')).toEqual([]);
    const parts = [
      'configuration',
      'data_directory',
      'storage.directory',
      'certificate',
      'database',
      'proxies',
    ];
    const those = [...parts, 'storage', 'upstream upstream 1', 'server'];
    expect(found.map(({ part }) => part)).toEqual(expect.arrayContaining(those));
    expect(found.find(({ part }) => part === 'server')).toMatchObject({ state: 'ok' });
    expect(upstream.count({ method: 'HEAD' })).toBeGreaterThan(0);
  });

  test('names an upstream that is not reached or is refused, and clocks that are apart', async () => {
    await using upstream = await new FakeRegistry().start();
    const upstreams = [upstream, { url: 'http://127.0.0.1:1', name: 'nobody' }];
    await using app = await start({ upstreams });
    const found = await look(environmentOf(app), () => Date.now() + year);
    expect(found.find(({ part }) => part === 'upstream nobody')).toMatchObject({
      state: 'fault',
      found: expect.stringMatching(/^http:\/\/127\.0\.0\.1:1: Error: /),
      mend: expect.stringContaining('entrepot upstream test'),
    });
    expect(
      found.find(({ part, found: text }) => part === 'clock' && text.includes('upstream 1')),
    ).toMatchObject({
      state: 'fault',
      mend: expect.stringContaining('NTP'),
    });
    const strict = { ...environmentOf(app), ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '' };
    expect((await look(strict)).find(({ part }) => part === 'upstream upstream 1')).toMatchObject({
      state: 'fault',
      found: expect.stringContaining('private network'),
    });
  });
});

describe('a look at what does not run', () => {
  test('before the first start nothing is made', async () => {
    const directory = join(await temporaryDirectory(), 'data');
    const found = await look({ ENTREPOT_DATA_DIRECTORY: directory, ENTREPOT_HTTP__ADDRESS: '127.0.0.1:1' });
    expect(found.filter(({ state }) => state === 'fault')).toEqual([]);
    expect(found.find(({ part }) => part === 'database')?.found).toBe('the first start makes it');
    expect(found.find(({ part }) => part === 'data_directory')?.found).toContain('the first start makes it');
    expect(found.find(({ part }) => part === 'server')).toMatchObject({ state: 'warning' });
  });

  test('every fault of the configuration is a line', async () => {
    const found = await look({ ENTREPOT_LOG__LEVEL: 'loud', ENTREPOT_PORTS: '1' });
    expect(found.map(({ part, state }) => `${part} ${state}`)).toEqual([
      'configuration fault',
      'configuration fault',
    ]);
  });

  test('what cannot be used is named with what to do about it', async () => {
    const directory = await temporaryDirectory();
    await mkdir(join(directory, 'data'));
    await writeFile(join(directory, 'data/entrepot.db'), 'no database');
    await writeFile(join(directory, 'blobs'), 'no directory');
    const found = await look({
      ENTREPOT_DATA_DIRECTORY: join(directory, 'data'),
      ENTREPOT_STORAGE__DIRECTORY: join(directory, 'blobs/below'),
      ENTREPOT_HTTP__ADDRESS: '127.0.0.1:1',
      ENTREPOT_SHARED_CACHE__URL: 'redis://127.0.0.1:1',
    });
    const faults = found.filter(({ state }) => state === 'fault');
    expect(faults.map(({ part }) => part)).toEqual(['storage.directory', 'database', 'Redis']);
    for (const { mend } of faults) expect(mend).not.toBe('');
  });

  test('a certificate that ends, has ended, names another host or has another key', async () => {
    const directory = await temporaryDirectory();
    const { cert, key } = pair('server');
    const [certificate, keyFile, otherKey] = ['a.crt', 'a.key', 'b.key'].map((name) => join(directory, name));
    await writeFile(String(certificate), cert);
    await writeFile(String(keyFile), key);
    await writeFile(String(otherKey), pair('elsewhere').key);
    const lookAt = async (environment: Record<string, string>, now?: () => number) =>
      (
        await look(
          {
            ENTREPOT_DATA_DIRECTORY: directory,
            ENTREPOT_HTTP__ADDRESS: '127.0.0.1:1',
            ENTREPOT_HTTP__TLS__CERTIFICATE: String(certificate),
            ENTREPOT_HTTP__TLS__KEY: String(keyFile),
            ...environment,
          },
          now,
        )
      ).find(({ part }) => part === 'certificate');
    expect(await lookAt({})).toMatchObject({
      state: 'ok',
      found: expect.stringContaining('registry.corp.test'),
    });
    expect(await lookAt({ ENTREPOT_HTTP__EXTERNAL_URL: 'https://other.test' })).toMatchObject({
      state: 'fault',
      mend: expect.stringContaining('does not name other.test'),
    });
    expect(await lookAt({ ENTREPOT_HTTP__TLS__KEY: String(otherKey) })).toMatchObject({ state: 'fault' });
    expect(await lookAt({}, () => Date.now() + 200 * year)).toMatchObject({ state: 'fault' });
    expect(await lookAt({ ENTREPOT_HTTP__TLS__CERTIFICATE: '/nope' })).toMatchObject({ state: 'fault' });
  });
});
