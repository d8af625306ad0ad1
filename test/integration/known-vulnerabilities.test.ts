/**
 * Classes of vulnerabilities of other registries that concern access, each designed out and tested by its name. What lets
 * somebody read bytes of another repository is looked for at random, too (no-stolen-bytes), stale access in revocation.
 */
import { generateKeyPairSync } from 'node:crypto';
import { exportJWK, type JWTHeaderParameters, SignJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { jsonOf } from '../support/bodies.ts';
import { basicOf, Credentials } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob, fakeImage } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

const secret = bytesBlob('what only acme has');
const image = fakeImage({ config: bytesBlob('{"secret": true}'), layers: [secret] });

describeApp('a vulnerability of others', (start) => {
  /** acme/shop has an image; eve may push to other/tools, and has nothing to do with acme. */
  async function prepare() {
    const app = await start();
    const projectId = await createProject(app, 'acme/shop');
    await createProject(app, 'other/tools');
    await new Pusher(app, 'acme/shop').image(image, '1');
    const eve = await createUser(app, 'eve', ['other']);
    return { app, projectId, eve, tools: new Pusher(app, 'other/tools', eve) };
  }

  test('CVE-2024-39897 (zot): a blob that is stored is not read through a repository that does not link it', async () => {
    const { app, tools } = await prepare();
    await using _ = app;
    expect((await tools.ask('HEAD', `blobs/${secret.digest}`)).status).toBe(404);
    const mount = await tools.ask('POST', `blobs/uploads/?mount=${secret.digest}&from=acme/shop`);
    expect(mount.status).toBe(202);
    expect((await tools.manifest(image, '1')).status).toBe(400);
    expect((await tools.ask('GET', `blobs/${secret.digest}`)).status).toBe(404);
  });

  test('CVE-2026-32589 (Quay): an upload belongs to its repository and to who began it', async () => {
    const { app, tools, eve } = await prepare();
    await using _ = app;
    const location = await new Pusher(app, 'acme/shop').start();
    const elsewhere = location.replace('acme/shop', 'other/tools');
    const ownOnly = await tools.start();
    await createProject(app, 'other/more');
    const ownElsewhere = ownOnly.replace('other/tools', 'other/more');
    const colleague = new Pusher(app, 'other/tools', await createUser(app, 'carl', ['other']));
    for (const method of ['GET', 'PATCH', 'PUT', 'DELETE']) {
      const init = method === 'GET' ? {} : { body: 'x' };
      const query = method === 'PUT' ? `?digest=${secret.digest}` : '';
      const statuses = [
        (await new Pusher(app, 'acme/shop', eve).at(location + query, method, init)).status,
        (await tools.at(elsewhere + query, method, init)).status,
        (await colleague.at(ownOnly + query, method, init)).status,
        (await tools.at(ownElsewhere + query, method, init)).status,
      ];
      expect([method, statuses]).toEqual([method, [403, 404, 404, 404]]);
    }
  });

  test('CVE-2022-31668, -31670 (Harbor): the number of a token or a member is no right to it', async () => {
    const { app, projectId, eve } = await prepare();
    await using _ = app;
    const credentials = new Credentials(app);
    const dana = await credentials.user('dana');
    await credentials.member('groups', 'acme', dana, 'Developer');
    const tokens = [
      await credentials.personalToken('dana', dana, ['api']),
      await credentials.deployToken('projects', projectId, ['read_registry']),
      await credentials.accessToken('projects', projectId, 'Developer', ['read_registry']),
    ];
    const me = await credentials.user('mallory');
    await credentials.member('projects', 'other/tools', me, 'Owner');
    const mallory = await credentials.personalToken('mallory', me, ['api']);
    const own = `/projects/${encodeURIComponent('other/tools')}`;
    const paths = tokens.flatMap(({ path, id }) => {
      const kind = path.split('/').at(-2);
      return kind === 'personal_access_tokens' ? [path] : [path, `${own}/${kind}/${id}`];
    });
    for (const path of [...paths, `${own}/members/${dana}`, `/groups/acme/members/${dana}`])
      for (const method of ['GET', 'DELETE']) {
        const answer = await app.api(method, path, undefined, { 'private-token': mallory.secret });
        expect([401, 403, 404], `${method} ${path}`).toContain(answer.status);
      }
    for (const token of tokens) expect((await read(app, basicOf(token))).status).not.toBe(401);
    expect((await read(app, basicOf({ username: 'eve', secret: eve.token }))).status).toBe(404);
  });

  describe('CVE-2025-24976 (distribution): a token is verified by our own keys and nothing that it brings along', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const forgeries: readonly [string, (kid: string) => Promise<string>][] = [
      ['jwk', async (kid) => sign({ alg: 'ES256', kid, jwk: await exportJWK(publicKey) })],
      ['jku', async (kid) => sign({ alg: 'ES256', kid, jku: 'http://127.0.0.1:1/jwks.json' })],
      ['x5c', async (kid) => sign({ alg: 'ES256', kid, x5c: ['MIIB'] })],
      ['x5u', async (kid) => sign({ alg: 'ES256', kid, x5u: 'http://127.0.0.1:1/x.pem' })],
      ['another key', async (kid) => sign({ alg: 'ES256', kid })],
      ['alg: none', async () => [encoded({ alg: 'none', typ: 'JWT' }), encoded(claims()), 'x'].join('.')],
      [
        'HS256 with a public key',
        async (kid) =>
          new SignJWT(claims())
            .setProtectedHeader({ alg: 'HS256', kid })
            .sign(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))),
      ],
    ];
    const claims = () => {
      const now = Math.floor(Date.now() / 1000);
      const access = [{ type: 'repository', name: 'acme/shop', actions: ['pull'] }];
      const times = { iat: now, nbf: now - 5, exp: now + 300 };
      return {
        iss: 'entrepot',
        aud: 'container_registry',
        sub: 'root',
        jti: 'x',
        user_id: 1,
        access,
        ...times,
      };
    };
    const sign = (header: JWTHeaderParameters) =>
      new SignJWT(claims()).setProtectedHeader(header).sign(privateKey);
    const encoded = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');

    test.each(forgeries)('%s', async (_name, forge) => {
      const { app } = await prepare();
      await using _ = app;
      const good = await bearerOf(
        app.url,
        { username: 'root', secret: app.token },
        'repository:acme/shop:pull',
      );
      expect((await read(app, good)).status).toBe(200);
      const header = good.slice('Bearer '.length).split('.')[0] ?? '';
      const { kid }: { kid: string } = JSON.parse(Buffer.from(header, 'base64url').toString());
      expect((await read(app, `Bearer ${await forge(kid)}`)).status).toBe(401);
    });
  });

  test('CVE-2022-46463 (Harbor): what may not be seen looks like what is not there', async () => {
    const { app, eve } = await prepare();
    await using _ = app;
    const basic = basicOf({ username: eve.username, secret: eve.token });
    const headersOf = async (name: string) => {
      const bearer = await bearerOf(
        app.url,
        { username: 'eve', secret: eve.token },
        `repository:${name}:pull,push`,
      );
      return [{ authorization: basic }, { authorization: bearer }, {} as Record<string, string>];
    };
    const told = async (name: string) => {
      const answers: unknown[] = [];
      for (const headers of await headersOf(name)) {
        for (const [method, path] of requests) {
          const answer = await fetch(`${app.url}/v2/${name}/${path}`, { method, headers });
          const kept = ['content-type', 'www-authenticate', 'cache-status', 'content-length', 'connection'];
          const shown = kept.map((header) => answer.headers.get(header)?.replaceAll(name, 'NAME'));
          const text = (await answer.text()).replaceAll(name, 'NAME');
          answers.push([method, path, answer.status, shown, text]);
        }
      }
      return answers;
    };
    expect(await told('acme/shop')).toEqual(await told('acme/nope'));
  });

  test('CVE-2026-4404 (Harbor): there is no default password', async () => {
    await using app = await start();
    for (const username of ['root', 'admin', 'administrator'])
      for (const password of [
        'Harbor12345',
        '5iveL!fe',
        'admin',
        'admin123',
        'root',
        'password',
        'entrepot',
      ]) {
        const answer = await fetch(`${app.url}/v2/`, {
          headers: { authorization: basicOf({ username, secret: password }) },
        });
        expect([401, 429]).toContain(answer.status);
      }
  });

  test('CVE-2023-2253 (distribution): a page of the catalog has a size of ours, whatever is asked for', async () => {
    const { app } = await prepare();
    await using _ = app;
    const answer = await app.v2('_catalog?n=99999999999');
    expect([answer.status, await jsonOf(answer)]).toEqual([200, { repositories: ['acme/shop'] }]);
    expect((await app.v2('_catalog?n=1e9')).status).toBe(400);
  });

  test('CVE-2026-44457 (Hono): no cache keeps tokens', async () => {
    await using app = await start();
    const answer = await fetch(`${app.url}/jwt/auth?service=container_registry`, {
      headers: { authorization: basicOf({ username: 'root', secret: app.token }) },
    });
    expect([answer.status, answer.headers.get('cache-control')]).toEqual([200, 'private, no-store']);
  });
});

const requests = [
  ['GET', 'manifests/1'],
  ['HEAD', 'manifests/1'],
  ['GET', `manifests/${image.digest}`],
  ['GET', `blobs/${secret.digest}`],
  ['GET', 'tags/list'],
  ['GET', `referrers/${image.digest}`],
  ['POST', 'blobs/uploads/'],
  ['PUT', 'manifests/1'],
  ['DELETE', 'manifests/1'],
  ['DELETE', `blobs/${secret.digest}`],
] as const;

function read(app: TestApp, authorization: string): Promise<Response> {
  return fetch(`${app.url}/v2/acme/shop/manifests/1`, { headers: { authorization } });
}
