import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { CannotListen, explainStartFailure, StartFaults } from '../../../src/app/start-failure.ts';
import { SecretBox } from '../../../src/auth/credentials/secret-box.ts';
import type { Config } from '../../../src/config/config.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { UnavailableError } from '../../../src/oci/unavailable.ts';

const defaults = readFileSync(new URL('../../../config/default.yaml', import.meta.url), 'utf8');

function configWith(environment: Readonly<Record<string, string>>): Config {
  return loadConfig({ defaults, environment, readFile: () => '' });
}

function explain(error: unknown, database = ''): string | undefined {
  return explainStartFailure(error, configWith({ ENTREPOT_DATABASE__URL: database }));
}

function systemError(fields: { code: string } & Record<string, unknown>): Error {
  return Object.assign(new Error(`${fields.code}: as the system says it`), fields);
}

function errorOf(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return error;
  }
}

const postgres = 'postgres://entrepot:hunter2@db/entrepot';

describe('a start that fails', () => {
  test('says by which setting it wanted a port that is in use', () => {
    const error = systemError({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 5000 });
    expect(explain(new CannotListen('operations.address', '127.0.0.1:5000', error))).toMatch(
      /^operations\.address: cannot listen on 127\.0\.0\.1:5000: something else listens there/,
    );
  });

  test('says which address does not exist, also beside a database of its own', () => {
    const error = systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere' });
    expect(explain(new CannotListen('http.address', 'nowhere:5000', error), postgres)).toMatch(
      /^http\.address: cannot listen on nowhere:5000: no address is known/,
    );
  });

  test.each([
    ['http.tls.certificate', '/nope.crt'],
    ['http.tls.key', '/nope.key'],
    ['auth.token_rootcertbundle', '/bundle.pem'],
    ['storage.directory', '/blobs/v1/spool'],
    ['data_directory', '/var/lib/entrepot/secret.key'],
  ])('names %s for what cannot be read below it, in words', (setting, path) => {
    const config = configWith({
      ENTREPOT_DATA_DIRECTORY: '/var/lib/entrepot',
      ENTREPOT_STORAGE__DIRECTORY: '/blobs',
      ENTREPOT_HTTP__TLS__CERTIFICATE: '/nope.crt',
      ENTREPOT_HTTP__TLS__KEY: '/nope.key',
      ENTREPOT_AUTH__TOKEN_REALM: 'https://auth.example/token',
      ENTREPOT_AUTH__TOKEN_SERVICE: 'here',
      ENTREPOT_AUTH__TOKEN_ISSUER: 'there',
      ENTREPOT_AUTH__TOKEN_ROOTCERTBUNDLE: '/bundle.pem',
    });
    const error = systemError({ code: 'ENOENT', syscall: 'open', path });
    expect(explainStartFailure(error, config)).toBe(
      `${setting}: cannot read ${path}: there is no such file or directory`,
    );
  });

  test('says all at once, unless one of it is a bug', () => {
    const taken = systemError({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 5000 });
    const port = new CannotListen('http.address', '127.0.0.1:5000', taken);
    const path = systemError({ code: 'EACCES', syscall: 'mkdir', path: './data' });
    expect(explain(new StartFaults([port, path]))?.split('\n')).toEqual([
      expect.stringMatching(/^http\.address: /),
      expect.stringMatching(/^data_directory: cannot use \.\/data: /),
    ]);
    expect(explain(new StartFaults([port, new TypeError('x is not a function')]))).toBeUndefined();
  });

  test('says which path cannot be written, also when another error wraps it', () => {
    const cause = systemError({ code: 'EACCES', syscall: 'mkdir', path: '/elsewhere' });
    expect(explain(new Error('no blob store', { cause }))).toMatch(/^cannot use \/elsewhere: the user /);
  });

  test('says which database cannot be reached, without its password', () => {
    const refused = systemError({ code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 5432 });
    const lost = systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'db' });
    const late = new Error('timeout exceeded when trying to connect');
    const plain = new UnavailableError('the database cannot be reached', {
      cause: new Error('The server does not support SSL connections'),
    });
    for (const error of [
      refused,
      Object.assign(new AggregateError([refused]), { code: 'ECONNREFUSED' }),
      systemError({ code: '28P01' }),
      lost,
      late,
      new Error('the database could not be migrated', { cause: plain }),
    ]) {
      const explanation = explain(error, postgres);
      expect(explanation).toMatch(
        /^database\.url: the database postgres:\/\/entrepot:\*\*\*@db\/entrepot cannot be used: ./,
      );
    }
  });

  test('says that SQLite cannot use its file', () => {
    const error = systemError({ code: 'ERR_SQLITE_ERROR' });
    expect(explain(error)).toMatch(/^data_directory: the database in \.\/data cannot be used: /);
  });

  test('says that the secret key is another one', () => {
    const sealed = new SecretBox(Buffer.alloc(32, 1)).seal('a password', 'upstream:1');
    expect(explain(errorOf(() => new SecretBox(Buffer.alloc(32, 2)).open(sealed, 'upstream:1')))).toMatch(
      /^ENTREPOT_SECRET_KEY: the secret key is not the one that the records were sealed with/,
    );
  });

  test('leaves bugs to be told with their stack', () => {
    expect(explain(new TypeError('x is not a function'))).toBeUndefined();
    expect(explain(systemError({ code: 'ECONNREFUSED' }))).toBeUndefined();
    expect(explain('text')).toBeUndefined();
  });
});
