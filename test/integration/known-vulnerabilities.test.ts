/**
 * Classes of vulnerabilities of other registries that concern access, each designed out and tested by its name. What lets
 * somebody read bytes of another repository is looked for at random, too (no-stolen-bytes), stale access in revocation, open
 * redirects in sign-in-oidc, and what upstreams could do to us in known-vulnerabilities-upstreams.
 */
import { generateKeyPairSync } from 'node:crypto';
import { get } from 'node:http';
import {
  decodeJwt,
  decodeProtectedHeader,
  exportJWK,
  type JWTHeaderParameters,
  type JWTPayload,
  SignJWT,
} from 'jose';
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

  test('CVE-2026-31801 (zot), CVE-2026-41888 (distribution): no way to change or delete a tag goes past the right to', async () => {
    const { app } = await prepare();
    await using _ = app;
    const credentials = new Credentials(app);
    const reader = await credentials.accessToken('groups', 'acme', 'Reporter', ['api']);
    const pusher = await credentials.deployToken('groups', 'acme', ['read_registry', 'write_registry']);
    const writes = [
      ['PUT', 'manifests/1'],
      ['PUT', `manifests/${image.digest}?tag=1`],
      ['POST', 'blobs/uploads/'],
      ['POST', `blobs/uploads/?mount=${secret.digest}&from=acme/shop`],
    ] as const;
    const deletions = [
      ['DELETE', 'manifests/1'],
      ['DELETE', `manifests/${image.digest}`],
      ['DELETE', 'tags/reference/1'],
      ['DELETE', `blobs/${secret.digest}`],
    ] as const;
    const attempts = [...writes, ...deletions].map((attempt) => [reader, attempt] as const);
    for (const [who, [method, path]] of [
      ...attempts,
      ...deletions.map((attempt) => [pusher, attempt] as const),
    ]) {
      const bearer = await bearerOf(app.url, who, 'repository:acme/shop:*');
      for (const authorization of [basicOf(who), bearer]) {
        const headers = { authorization, 'content-type': image.mediaType };
        const body = path.startsWith('manifests/') && method === 'PUT' ? image.payload.toString() : undefined;
        const init = { method, headers, ...(body && { body }) };
        const answer = await fetch(`${app.url}/v2/acme/shop/${path}`, init);
        expect([who.username, method, path, answer.status]).toEqual([who.username, method, path, 403]);
      }
    }
    expect((await app.v2('acme/shop/manifests/1')).status).toBe(200);
  });

  test('CVE-2026-35172 (distribution): what was deleted in a repository is read there no more, though others have it', async () => {
    const { app } = await prepare();
    await using _ = app;
    await createProject(app, 'acme/copy');
    await new Pusher(app, 'acme/copy').image(image, '1');
    const blob = (name: string) => app.v2(`${name}/blobs/${secret.digest}`);
    expect((await blob('acme/shop')).status).toBe(200);
    expect((await app.v2(`acme/shop/blobs/${secret.digest}`, { method: 'DELETE' })).status).toBe(202);
    expect([(await blob('acme/shop')).status, (await blob('acme/copy')).status]).toEqual([404, 200]);
    // A project of the same name is another one.
    expect((await app.api('DELETE', '/projects/acme%2Fcopy')).status).toBe(202);
    await createProject(app, 'acme/copy');
    app.advance(1001);
    for (const path of ['manifests/1', `manifests/${image.digest}`, `blobs/${secret.digest}`])
      expect([path, (await app.v2(`acme/copy/${path}`)).status]).toEqual([path, 404]);
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
    type Forge = (claims: JWTPayload, kid: string) => Promise<string>;
    const signedWith =
      (header: (kid: string) => JWTHeaderParameters | Promise<JWTHeaderParameters>): Forge =>
      async (claims, kid) =>
        new SignJWT(claims).setProtectedHeader(await header(kid)).sign(privateKey);
    const forgeries: readonly [string, Forge][] = [
      ['jwk', signedWith(async (kid) => ({ alg: 'ES256', kid, jwk: await exportJWK(publicKey) }))],
      ['jku', signedWith((kid) => ({ alg: 'ES256', kid, jku: 'http://127.0.0.1:1/jwks.json' }))],
      ['x5c', signedWith((kid) => ({ alg: 'ES256', kid, x5c: ['MIIB'] }))],
      ['x5u', signedWith((kid) => ({ alg: 'ES256', kid, x5u: 'http://127.0.0.1:1/x.pem' }))],
      ['another key', signedWith((kid) => ({ alg: 'ES256', kid }))],
      ['alg: none', async (claims) => [encoded({ alg: 'none', typ: 'JWT' }), encoded(claims), 'x'].join('.')],
      [
        'HS256 with a public key',
        async (claims, kid) =>
          new SignJWT(claims)
            .setProtectedHeader({ alg: 'HS256', kid })
            .sign(Buffer.from(publicKey.export({ type: 'spki', format: 'pem' }))),
      ],
    ];
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
      const { kid = '' } = decodeProtectedHeader(good.slice('Bearer '.length));
      // All that a good one says, with the principal: only the signature is not ours.
      const claims = decodeJwt(good.slice('Bearer '.length));
      expect((await read(app, `Bearer ${await forge(claims, kid)}`)).status).toBe(401);
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

  test('CVE-2017-11468 (distribution): a manifest has a size of ours, whatever is sent', async () => {
    const { app } = await prepare();
    await using _ = app;
    const padded = { mediaType: image.mediaType, payload: Buffer.alloc(4 * 1024 * 1024 + 1, ' ') };
    expect((await new Pusher(app, 'acme/shop').manifest(padded, '2')).status).toBe(413);
  });

  test('CVE-2024-4956, CVE-2026-3199 (Nexus): no name and no digest is a path', async () => {
    const { app } = await prepare();
    await using _ = app;
    const up = '..%2f..%2f..%2f..%2fsecret.key';
    const paths = [
      `acme/shop/blobs/${up}`,
      `acme/shop/blobs/sha256:${up}`,
      `acme/shop/blobs/sha256:${'../'.repeat(21)}a`,
      `acme/shop/manifests/${up}`,
      `acme/shop/blobs/uploads/${up}`,
      `acme/${up}/blobs/${secret.digest}`,
      `virtual_registries/container/${up}/x/manifests/1`,
      `virtual_registries/container/1/${up}/blobs/${secret.digest}`,
    ];
    for (const path of paths) {
      // Past what fetch would tidy up.
      const status = await statusOf(`${app.url}/v2/`, path, app.token);
      expect([path, status]).toEqual([path, expect.toSatisfy((given) => [400, 404].includes(given))]);
    }
  });

  test('CVE-2026-44457 (Hono): no cache keeps tokens, or gives to one what another may see', async () => {
    await using app = await start();
    expect((await app.v2('')).headers.get('vary')).toBe('Authorization');
    expect((await fetch(`${app.url}/v2/a/b/manifests/1`)).headers.get('vary')).toBe('Authorization');
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

function statusOf(base: string, path: string, token: string): Promise<number | undefined> {
  const { hostname, port, pathname } = new URL(base);
  const headers = { authorization: basicOf({ username: 'root', secret: token }) };
  return new Promise((resolve, reject) => {
    get({ hostname, port, path: pathname + path, headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    }).on('error', reject);
  });
}
