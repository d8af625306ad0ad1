import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { SecretBox } from '../../src/auth/secret-box.ts';
import { loadConfig } from '../../src/config.ts';
import { explainStartFailure } from '../../src/start-failure.ts';

const defaults = readFileSync(new URL('../../config/default.yaml', import.meta.url), 'utf8');

function explain(error: unknown, database = ''): string | undefined {
  const environment = { ENTREPOT_DATABASE__URL: database };
  const readFile = () => '';
  return explainStartFailure(error, loadConfig({ defaults, environment, readFile }));
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
  test('says which port is in use', () => {
    const error = systemError({ code: 'EADDRINUSE', syscall: 'listen', address: '127.0.0.1', port: 5000 });
    expect(explain(error)).toMatch(/^cannot listen on 127\.0\.0\.1:5000: something else listens there/);
  });

  test('says which address does not exist, also beside a database of its own', () => {
    const error = systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'nowhere' });
    expect(explain(error, postgres)).toMatch(/^cannot listen on nowhere: /);
  });

  test('says that certificate and key do not fit', () => {
    const error = systemError({ code: 'ERR_OSSL_X509_KEY_VALUES_MISMATCH' });
    expect(explain(error)).toMatch(/^cannot use .* with .*: ERR_OSSL/);
  });

  test('says which path cannot be written, also when another error wraps it', () => {
    const cause = systemError({ code: 'EACCES', syscall: 'mkdir', path: '/data' });
    expect(explain(new Error('no blob store', { cause }))).toMatch(/^cannot use \/data: EACCES/);
  });

  test('says which database cannot be reached, without its password', () => {
    const refused = systemError({ code: 'ECONNREFUSED', syscall: 'connect', address: '::1', port: 5432 });
    const lost = systemError({ code: 'ENOTFOUND', syscall: 'getaddrinfo', hostname: 'db' });
    const late = new Error('timeout exceeded when trying to connect');
    for (const error of [
      refused,
      Object.assign(new AggregateError([refused]), { code: 'ECONNREFUSED' }),
      systemError({ code: '28P01' }),
      lost,
      late,
    ]) {
      const explanation = explain(error, postgres);
      expect(explanation).toMatch(
        /^the database postgres:\/\/entrepot:\*\*\*@db\/entrepot cannot be used: ./,
      );
    }
  });

  test('says that SQLite cannot use its file', () => {
    const error = systemError({ code: 'ERR_SQLITE_ERROR' });
    expect(explain(error)).toMatch(/^the database in \.\/data cannot be used: /);
  });

  test('says that the secret key is another one', () => {
    const sealed = new SecretBox(Buffer.alloc(32, 1)).seal('a password', 'upstream:1');
    expect(explain(errorOf(() => new SecretBox(Buffer.alloc(32, 2)).open(sealed, 'upstream:1')))).toMatch(
      /^the secret key is not the one that the records were sealed with/,
    );
  });

  test('leaves bugs to be told with their stack', () => {
    expect(explain(new TypeError('x is not a function'))).toBeUndefined();
    expect(explain(systemError({ code: 'ECONNREFUSED' }))).toBeUndefined();
    expect(explain('text')).toBeUndefined();
  });
});
