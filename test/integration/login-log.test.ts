/** Who was not believed, why and from where: one line in the log for each failure, and never what they came with. */
import { SignJWT } from 'jose';
import { expect, onTestFinished, test } from 'vitest';
import type { Log } from '../../src/observe/log.ts';
import { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { basicOf, Credentials, testPassword } from '../support/credentials.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject } from '../support/pushing.ts';

interface Line {
  readonly level: string;
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

class KeptLog implements Log {
  readonly lines: Line[];
  readonly #fields: object;

  constructor(lines: Line[] = [], fields: object = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  readonly debug = (fields: object, message: string) => this.#keep('debug', fields, message);
  readonly info = (fields: object, message: string) => this.#keep('info', fields, message);
  readonly warn = (fields: object, message: string) => this.#keep('warn', fields, message);
  readonly error = (fields: object, message: string) => this.#keep('error', fields, message);
  readonly child = (fields: object) => new KeptLog(this.lines, { ...this.#fields, ...fields });

  #keep(level: string, fields: object, message: string): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }

  of(message: string): Line['fields'][] {
    return this.lines.filter((line) => line.message === message).map(({ fields }) => fields);
  }
}

describeEachDatabase('the log', (_open, { createPlace }) => {
  async function start() {
    const log = new KeptLog();
    const app = await TestApp.start({ databaseUrl: (await createPlace()).url, log });
    onTestFinished(() => app.close());
    const credentials = new Credentials(app);
    const ask = async (path: string, headers: Record<string, string> = {}, init: RequestInit = {}) => {
      log.lines.length = 0;
      const answer = await fetch(app.url + path, { ...init, headers });
      await answer.text();
      return { answer, refused: log.of('a login was refused') };
    };
    return { app, log, credentials, ask };
  }

  test('names user, reason and address once, wherever a login fails', async () => {
    const { app, credentials, ask } = await start();
    const projectId = await createProject(app, 'acme/shop');
    const userId = await credentials.user('dana');
    const token = await credentials.personalToken('dana', userId, ['api']);
    const revoked = await credentials.personalToken('dana', userId, ['api']);
    await credentials.call('DELETE', revoked.path);
    const deploy = await credentials.deployToken('projects', projectId, ['read_registry']);
    const job = await credentials.jobToken(projectId, { access_level: 30 });
    const wrong = basicOf({ username: 'dana', secret: 'wrong' });
    const json = { 'content-type': 'application/json' };
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    const post = (body: string) => ({ method: 'POST', body });
    const failures: [string, string | undefined, string, () => ReturnType<typeof ask>][] = [
      ['Basic on /v2', 'dana', 'unknown', () => ask('/v2/', { authorization: wrong })],
      [
        'GET /jwt/auth',
        'dana',
        'unknown',
        () => ask('/jwt/auth?service=container_registry', { authorization: wrong }),
      ],
      [
        'POST /jwt/auth',
        'dana',
        'unknown',
        () => ask('/jwt/auth', form, post('grant_type=password&username=dana&password=no')),
      ],
      [
        '/session',
        'dana',
        'unknown',
        () => ask('/session', json, post('{"username":"dana","password":"no"}')),
      ],
      [
        '/session with a token',
        'dana',
        'unknown',
        () => ask('/session', json, post(JSON.stringify({ username: 'dana', password: token.secret }))),
      ],
      [
        '/oauth/token',
        undefined,
        'unknown',
        () =>
          ask(
            '/oauth/token',
            form,
            post(
              'grant_type=urn:ietf:params:oauth:grant-type:token-exchange&subject_token_type=urn:ietf:params:oauth:token-type:jwt&subject_token=a.b.c',
            ),
          ),
      ],
      [
        'PRIVATE-TOKEN',
        undefined,
        'unknown',
        () => ask('/api/v4/user', { 'private-token': `ent-${'x'.repeat(32)}` }),
      ],
      [
        'PRIVATE-TOKEN, revoked',
        undefined,
        'revoked',
        () => ask('/api/v4/user', { 'private-token': revoked.secret }),
      ],
      [
        'JOB-TOKEN for PRIVATE-TOKEN',
        'test',
        'unknown',
        () => ask('/api/v4/user', { 'private-token': job.secret }),
      ],
      ['Basic on REST', 'dana', 'unreadable', () => ask('/api/v4/user', { authorization: wrong })],
      ['revoked on /v2', 'dana', 'revoked', () => ask('/v2/', { authorization: basicOf(revoked) })],
      [
        'a deploy token with another name',
        'dana',
        'unknown',
        () => ask('/v2/', { authorization: basicOf({ ...deploy, username: 'dana' }) }),
      ],
      [
        'a job token with another name',
        'dana',
        'unknown',
        () => ask('/v2/', { authorization: basicOf({ ...job, username: 'dana' }) }),
      ],
      ['no Basic at all', undefined, 'unreadable', () => ask('/v2/', { authorization: 'Digest x' })],
    ];
    const wrongLines: unknown[] = [];
    for (const [what, user, reason, fail] of failures) {
      const { answer, refused } = await fail();
      const [line] = refused;
      const isRight = refused.length === 1 && line?.['user'] === user && line?.['reason'] === reason;
      if (answer.ok || !isRight || line?.['address'] !== '127.0.0.1')
        wrongLines.push([what, answer.status, refused]);
    }
    expect(wrongLines).toEqual([]);
    await credentials.call('POST', `/users/${userId}/block`);
    const blocked = await ask('/v2/', { authorization: basicOf({ username: 'dana', secret: testPassword }) });
    expect(blocked.refused).toMatchObject([{ user: 'dana', reason: 'blocked' }]);
    for (let time = 0; time < 10; time += 1)
      await ask('/v2/', { authorization: basicOf({ username: 'eve', secret: 'no' }) });
    const throttled = await ask('/v2/', { authorization: basicOf({ username: 'eve', secret: 'no' }) });
    expect(throttled.refused).toMatchObject([{ user: 'eve', reason: 'throttled' }]);
  });

  test('shows no secret that was typed as a name, and no name as it came', async () => {
    const { app, log, ask } = await start();
    const secrets = [app.token, 'ent-notatoken', 'glpat-abcdef', 'aaaa.bbbb.cccc'];
    for (const username of [...secrets, 'line\nbreak', 'x'.repeat(5000)]) {
      const { refused } = await ask('/v2/', { authorization: basicOf({ username, secret: 'a secret' }) });
      expect(refused).toHaveLength(1);
      const text = JSON.stringify(log.lines);
      for (const secret of [...secrets, 'a secret', '\\n', 'x'.repeat(101)])
        expect(text).not.toContain(secret);
    }
  });

  test('says what was wrong with a registry token, and its bearer what helps', async () => {
    const { app, log, credentials, ask } = await start();
    await createProject(app, 'acme/shop');
    const userId = await credentials.user('dana');
    await credentials.member('groups', 'acme', userId, 'Reporter');
    const token = await credentials.personalToken('dana', userId, ['api']);
    const bearer = await bearerOf(app.url, token, 'repository:acme/shop:pull');
    const pull = (authorization: string) => ask('/v2/acme/shop/manifests/1', { authorization });
    const sign = (header: object = {}) =>
      new SignJWT({ iss: 'entrepot', aud: 'container_registry' })
        .setProtectedHeader({ alg: 'HS256', kid: 'OTHER', ...header })
        .sign(new TextEncoder().encode('another key, which is long enough'));
    await pull(`Bearer ${await sign()}`);
    expect(log.of('a registry token was refused')).toMatchObject([{ address: '127.0.0.1' }]);
    app.advance(301_000);
    const expired = await pull(bearer);
    expect(expired.answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    expect(log.of('a registry token was refused')).toMatchObject([
      { reason: expect.stringMatching(/^expired: exp is /) },
    ]);
    expect(log.of('request')).toMatchObject([{ detail: 'the registry token has expired: fetch a new one' }]);
    const fresh = await bearerOf(app.url, token, 'repository:acme/shop:pull');
    await credentials.call('DELETE', token.path);
    const revoked = await pull(fresh);
    expect(revoked.answer.status).toBe(401);
    expect(revoked.refused).toMatchObject([{ user: 'dana', reason: 'revoked' }]);
  });

  test('has each decision of a login and of a pull at the level debug', async () => {
    const { app, log, credentials, ask } = await start();
    const upstream = await new FakeRegistry().start();
    onTestFinished(() => upstream.stop());
    await app.useUpstreams([upstream]);
    const userId = await credentials.user('dana');
    const dana = { username: 'dana', secret: testPassword };
    const virtual = '/v2/virtual_registries/container/1/x/manifests/1';
    await ask('/jwt/auth?scope=repository:virtual_registries/container/1/x:pull', {
      authorization: basicOf(dana),
    });
    expect(log.of('somebody signed in')).toMatchObject([{ user: 'dana', with: 'password' }]);
    expect(log.of('scopes were looked at')).toMatchObject([
      { user: 'dana', granted: [], refused: [expect.stringContaining('/x:pull')] },
    ]);
    await ask(virtual, { authorization: basicOf(dana) });
    expect(log.of('access was refused')).toMatchObject([
      { user: 'dana', action: 'pull', cause: { kind: 'hidden' } },
    ]);
    await credentials.member('groups', 'default', userId, 'Guest');
    await ask(virtual, { authorization: basicOf(dana) });
    expect(log.of('access was allowed')).toMatchObject([{ user: 'dana', action: 'pull' }]);
    expect(log.of('an upstream was asked')).toMatchObject([
      { upstream: 'upstream 1', said: expect.stringMatching(/^not-found/) },
    ]);
  });

  test('has the pings of clients that have no token yet at the level debug alone', async () => {
    const { log, ask } = await start();
    await ask('/v2/');
    const ping = log.lines.find(({ message }) => message === 'request');
    expect(ping).toMatchObject({ level: 'debug', fields: { status: 401 } });
    await ask('/v2/acme/shop/manifests/1');
    expect(log.lines.find(({ message }) => message === 'request')?.level).toBe('info');
  });
});
