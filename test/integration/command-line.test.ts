import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { pem } from '../support/certificates.ts';
import { Run } from '../support/program.ts';

const yamlOf = (text: string): unknown => parse(text);

let directory: string;
let running: Run[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-command-'));
  running = [];
});
afterEach(async () => {
  for (const run of running) await run.end('SIGKILL');
  await rm(directory, { recursive: true });
});

function start(args: readonly string[] = [], environment: Readonly<Record<string, string>> = {}): Run {
  const run = new Run(directory, args, environment);
  running.push(run);
  return run;
}

function whoAmI(url: string, token: string): Promise<Response> {
  return fetch(`${url}/api/v4/user`, { headers: { 'private-token': token } });
}

describe('entrepot setup', () => {
  const environment = {
    ENTREPOT_HTTP__EXTERNAL_URL: 'https://registry.example.com',
    ENTREPOT_ROOT_TOKEN: 'a-token-of-the-operator',
  };
  const setup = async (...args: readonly string[]) => {
    const run = start(['setup', ...args], environment);
    return { code: await run.exitCode(), text: run.stdout, error: run.stderr };
  };

  test('prints what the API says, beside a server that runs', async () => {
    const server = start([], environment);
    const url = await server.listening();
    const path = '/api/v4/virtual_registries/container/registries/1/setup?client=containerd';
    const headers = { 'private-token': environment.ENTREPOT_ROOT_TOKEN };
    const text = await (await fetch(url + path, { headers })).text();
    expect(text).toContain('registry.example.com');
    expect(await setup('containerd', '--registry', '1')).toEqual({ code: 0, text, error: '' });
    expect(await setup('dockerd')).toMatchObject({ code: 1, error: expect.stringContaining('mirrors') });
    const absent = { code: 1, text: '', error: 'entrepot: there is no virtual registry 7\n' };
    expect(await setup('docker', '--registry=7')).toEqual(absent);
  });
});

describe('entrepot serve', () => {
  test('shows a token that works at its first start, and no secret ever after', async () => {
    const first = start();
    const url = await first.listening();
    const token = /^ {2}(ent-\S+)$/m.exec(first.stdout)?.[1] ?? '';
    expect(first.stdout).toContain(`docker login ${new URL(url).host} -u root -p ${token}\n`);
    expect(await (await whoAmI(url, token)).json()).toMatchObject({ username: 'root' });
    expect(await first.end('SIGTERM')).toBe(0);

    const second = start();
    expect((await whoAmI(await second.listening(), token)).status).toBe(200);
    expect(await second.end('SIGINT')).toBe(0);
    expect(second.stdout).not.toMatch(/ent-|docker login/);
    expect(second.stderr).toBe('');
  });

  test('does not show the token that it was given', async () => {
    const token = 'a-token-of-the-operator';
    const run = start([], { ENTREPOT_ROOT_TOKEN: token });
    expect((await whoAmI(await run.listening(), token)).status).toBe(200);
    expect(run.stdout).toContain('docker login');
    expect(run.stdout).not.toContain(token);
  });

  test('says which setting names a path that cannot be used, instead of trying or waiting for ever', async () => {
    const looping = start([], { ENTREPOT_DATA_DIRECTORY: '/proc/x' });
    expect(await looping.exitCode()).toBe(1);
    expect(looping.stderr).toMatch(/^entrepot: data_directory: cannot use \/proc\/x: .*\n$/);

    const fifo = join(directory, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const waiting = start(['serve', '--config', fifo], { ENTREPOT_SECRET_KEY_FILE: fifo });
    expect(await waiting.exitCode()).toBe(78);
    expect(waiting.stderr).toContain(`fifo: cannot be read: ${fifo} is not a file`);
  });

  test('says in one line that the database cannot be reached', async () => {
    const run = start([], {
      ENTREPOT_DATABASE__URL: 'postgres://user:hunter2@127.0.0.1:1/none',
      ENTREPOT_SECRET_KEY: randomBytes(32).toString('hex'),
    });
    expect(await run.exitCode()).toBe(1);
    expect(run.stderr).toMatch(
      /^entrepot: database\.url: the database postgres:\/\/user:\*\*\*@127\.0\.0\.1:1\/none cannot be used: .*\n$/,
    );
  });

  test('says in one line that the secret key is another one', async () => {
    const first = start();
    await first.listening();
    await first.end('SIGTERM');
    const second = start([], { ENTREPOT_SECRET_KEY: randomBytes(32).toString('base64') });
    expect(await Promise.race([second.exitCode(), second.listening()])).toBe(1);
    expect(second.stderr).toMatch(/^entrepot: ENTREPOT_SECRET_KEY: the secret key is not the one .*\n$/);
  });
});

describe('the keys of another token service', () => {
  const service = {
    ENTREPOT_AUTH__TOKEN_REALM: 'https://auth.example/token',
    ENTREPOT_AUTH__TOKEN_SERVICE: 'here',
    ENTREPOT_AUTH__TOKEN_ISSUER: 'there',
  };

  test('must be certificates that can be read, or it does not start and says so', async () => {
    const file = join(directory, 'auth.pem');
    const absent = start([], { ...service, ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: file });
    expect(await absent.exitCode()).toBe(1);
    expect(absent.stderr).toMatch(
      /^entrepot: auth\.token_rootcertbundle: cannot read .*auth\.pem: there is no such file.*\n$/,
    );
    await writeFile(file, 'no certificate');
    const wrong = start([], { ...service, ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: file });
    expect(await wrong.exitCode()).toBe(1);
    expect(wrong.stderr).toContain(
      'auth.token_rootcertbundle: expected 1 to 32 certificates in PEM, found 0',
    );
  });
});

test('a key for tokens that is none, or of another certificate, is told by its setting', async () => {
  const [key, certificate] = [join(directory, 'token.key'), join(directory, 'token.crt')];
  const environment = { ENTREPOT_AUTH__KEY: key, ENTREPOT_AUTH__CERTIFICATE: certificate };
  await writeFile(key, pem('elsewhere.key'));
  const absent = start([], environment);
  expect(await absent.exitCode()).toBe(1);
  expect(absent.stderr).toMatch(/^entrepot: auth\.certificate: cannot read .*there is no such file/);
  await writeFile(certificate, pem('server.crt'));
  const wrong = start([], environment);
  expect(await wrong.exitCode()).toBe(1);
  expect(wrong.stderr).toMatch(/auth\.key: the certificate of .* is not that of the key/);
});

describe('the other commands', () => {
  test('config prints clean YAML without secrets', async () => {
    const file = join(directory, 'entrepot.yaml');
    await writeFile(file, 'database: { url: "postgres://user:hunter2@db/entrepot" }\n');
    const run = start(['config', '--config', file], {
      ENTREPOT_SECRET_KEY: 'hunter3',
      ENTREPOT_LOG__LEVEL: 'warn',
    });
    expect(await run.exitCode()).toBe(0);
    expect(yamlOf(run.stdout)).toMatchObject({
      database: { url: 'postgres://user:***@db/entrepot' },
      log: { level: 'warn' },
    });
    expect(run.stdout).not.toContain('hunter');
  });

  test('token create makes a token for someone whose token is lost, beside the running server', async () => {
    const server = start();
    const url = await server.listening();
    const command = start(['token', 'create', '--local', '--user', 'root', '--name', 'found again']);
    expect(await command.exitCode()).toBe(0);
    expect(command.stdout).toMatch(/^ent-\S+\n$/);
    expect((await whoAmI(url, command.stdout.trim())).status).toBe(200);

    const stranger = start(['token', 'create', '--local', '--user', 'nobody']);
    expect(await stranger.exitCode()).toBe(1);
    expect(stranger.stderr).toBe("entrepot: there is no user 'nobody'\n");
  });

  test('keys rotate makes a key that the running server publishes before it signs, and keys list tells of both', async () => {
    const server = start();
    const url = await server.listening();
    const published = async () => {
      const body: { keys: { kid: string }[] } = JSON.parse(
        await (await fetch(`${url}/.well-known/jwks.json`)).text(),
      );
      return body.keys.map(({ kid }) => kid);
    };
    const [old = ''] = await published();
    const command = start(['keys', 'rotate', '--in', '1h']);
    expect(await command.exitCode()).toBe(0);
    expect(command.stdout.split('\n')).toEqual([
      expect.stringMatching(/^[A-Z2-7:]{59} {2}made \S+Z {2}signs until \S+Z, verifies until \S+Z$/),
      expect.stringMatching(/^[A-Z2-7:]{59} {2}made \S+Z {2}signs next$/),
      '',
    ]);
    const list = start(['keys', 'list']);
    expect(await list.exitCode()).toBe(0);
    expect(list.stdout).toBe(command.stdout);
    await expect.poll(published).toHaveLength(2);
    expect((await published())[0]).toBe(old);
  });

  test('migrate makes the database and ends', async () => {
    const run = start(['migrate']);
    expect(await run.exitCode()).toBe(0);
    expect(run.stdout).toBe('The database is up to date.\n');
  });

  test('faults of the configuration are all listed', async () => {
    const run = start([], {
      ENTREPOT_HTTP__ADDRESS: 'nowhere',
      ENTREPOT_LOG__LEVEL: 'loud',
      ENTREPOT_PORTS: '1',
    });
    expect(await run.exitCode()).toBe(78);
    expect(run.stderr.trim().split('\n').slice(1)).toEqual([
      expect.stringMatching(/^ENTREPOT_PORTS: no such setting/),
      expect.stringMatching(/^ENTREPOT_HTTP__ADDRESS: http\.address: expected host:port/),
      expect.stringMatching(/^ENTREPOT_LOG__LEVEL: log\.level: expected one of/),
    ]);
  });

  test('what is no command is answered in one line', async () => {
    const run = start(['srve']);
    expect(await run.exitCode()).toBe(64);
    expect(run.stderr).toBe("entrepot: unknown command 'srve' (Did you mean serve?); see entrepot --help\n");
    expect(run.stdout).toBe('');
  });
});
