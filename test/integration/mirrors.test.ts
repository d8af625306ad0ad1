import { describe, expect, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { errorOf, jsonOf, manifestsOf, tagsOf } from '../support/bodies.ts';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { listeningLog } from '../support/listening-log.ts';

interface MirrorFields {
  readonly anonymous?: boolean;
  readonly stands_for?: readonly string[];
}

const address = '127.0.0.1:0';
const withMirror = (fields: MirrorFields = {}) => ({
  ENTREPOT_MIRRORS: JSON.stringify([{ address, registry: 1, ...fields }]),
});

/** Asks as dockerd does: for a token of the scope that it makes of its own name for the image, at the realm that the mirror names. */
class MirrorClient {
  readonly #app: TestApp;
  readonly #url: string;

  constructor(app: TestApp, url = app.mirrorUrls[0] ?? '') {
    this.#app = app;
    this.#url = url;
  }

  get url(): string {
    return this.#url;
  }

  plain(path: string, headers: Record<string, string> = {}): Promise<Response> {
    return fetch(`${this.#url}/v2/${path}`, { headers });
  }

  async challenge(path: string): Promise<{ readonly realm: string; readonly scope: string | undefined }> {
    const answer = await this.plain(path);
    expect(answer.status).toBe(401);
    const header = answer.headers.get('www-authenticate') ?? '';
    return { realm: /realm="([^"]*)"/.exec(header)?.[1] ?? '', scope: /scope="([^"]*)"/.exec(header)?.[1] };
  }

  async authorization(
    image: string,
    credentials = { username: 'root', secret: this.#app.token },
  ): Promise<string> {
    const { realm } = await this.challenge('');
    const query = new URLSearchParams({ service: 'container_registry', scope: `repository:${image}:pull` });
    const headers = { authorization: basicOf(credentials) };
    const { token } = await jsonOf<{ token: string }>(await fetch(`${realm}?${query}`, { headers }));
    return `Bearer ${token}`;
  }

  async get(image: string, rest: string): Promise<Response> {
    return this.plain(`${image}/${rest}`, { authorization: await this.authorization(image) });
  }
}

async function startUpstream(image = 'library/alpine'): Promise<FakeRegistry> {
  const registry = await new FakeRegistry({ tagsPerPage: 100 }).start();
  const layer = registry.repository(image).addBlob(1000);
  const manifest = registry.repository(image).addImage({ tag: 'v1', layers: [layer] });
  registry.repository(image).addArtifact(manifest, 'application/vnd.test');
  for (const tag of ['v2', 'v3']) registry.repository(image).tag(tag, manifest.digest);
  return registry;
}

async function addRegistry(app: TestApp, fields: object, ...urls: readonly string[]): Promise<number> {
  const made = await app.api('POST', '/groups/1/-/virtual_registries/container/registries', {
    name: 'more',
    ...fields,
  });
  const { id } = await jsonOf<{ id: number }>(made);
  for (const url of urls) {
    const upstream = { url, name: url };
    await app.api('POST', `/virtual_registries/container/registries/${id}/upstreams`, upstream);
  }
  return id;
}

describeApp('a mirror', (start) => {
  const { log, told } = listeningLog();

  test('has the images of its virtual registry at its root, for tokens of the names that clients know', async () => {
    await using upstream = await startUpstream();
    const image = upstream.repository('library/alpine').manifest('v1');
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const manifest = await client.get('library/alpine', 'manifests/v1');
    expect([manifest.status, manifest.headers.get('docker-content-digest')]).toEqual([200, image?.digest]);
    const blob = await client.get('library/alpine', `blobs/${image?.layers[0]?.digest}`);
    expect([blob.status, (await blob.arrayBuffer()).byteLength]).toEqual([200, 1000]);
    expect(await manifestsOf(await client.get('library/alpine', `referrers/${image?.digest}`))).toHaveLength(
      1,
    );
    const warm = await client.get('library/alpine', 'manifests/v1');
    expect(warm.headers.get('cache-status')).toContain('hit');
    expect(await app.manifest('library/alpine', 'v1')).toMatchObject({ status: 200 });
  });

  test('lists tags under the name that clients know, with links that lead on', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const first = await client.get('library/alpine', 'tags/list?n=2');
    const next = /<([^>]*)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    expect(await jsonOf(first)).toEqual({ name: 'library/alpine', tags: ['v1', 'v2'] });
    const authorization = await client.authorization('library/alpine');
    expect(await tagsOf(await fetch(new URL(next, client.url), { headers: { authorization } }))).toEqual([
      'v3',
    ]);
  });

  test('challenges with the scope of the name that everybody knows, and a token for it is good as well', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const { realm, scope } = await client.challenge('library/alpine/manifests/v1');
    expect({ realm, scope }).toEqual({
      realm: `${client.url}/jwt/auth/virtual_registries/container/1`,
      scope: 'repository:virtual_registries/container/1/library/alpine:pull',
    });
    const form = {
      grant_type: 'password',
      service: 'container_registry',
      username: 'root',
      password: app.token,
    };
    const body = new URLSearchParams([
      ...Object.entries(form),
      ['scope', `${scope}`],
      ['scope', 'repository:library/alpine:pull'],
    ]);
    const issued = await jsonOf<{ access_token: string; scope: string }>(
      await fetch(realm, { method: 'POST', body }),
    );
    expect(issued.scope).toBe(scope);
    const headers = { authorization: `Bearer ${issued.access_token}` };
    expect((await client.plain('library/alpine/manifests/v1', headers)).status).toBe(200);
    expect((await app.manifest('library/alpine', 'v1', { headers })).status).toBe(200);
  });

  test('has the same rights, and no others, as the long names', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const user = { username: 'stranger', name: 'Stranger', password: 'correct horse battery' };
    expect((await app.api('POST', '/users', user)).status).toBe(201);
    const login = { username: user.username, secret: user.password };
    const authorization = await client.authorization('library/alpine', login);
    const [refused, absent] = await Promise.all(
      ['library/alpine', 'library/nothing'].map((name) =>
        client.plain(`${name}/manifests/v1`, { authorization }),
      ),
    );
    expect([refused?.status, absent?.status]).toEqual([404, 401]);
    expect(upstream.count()).toBe(0);
  });

  test('takes no pushes, and has no hosted repositories and no catalog', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const headers = { authorization: basicOf({ username: 'root', secret: app.token }) };
    const push = await fetch(`${client.url}/v2/library/alpine/blobs/uploads/`, { method: 'POST', headers });
    expect([push.status, (await errorOf(push)).code]).toEqual([405, 'UNSUPPORTED']);
    expect((await client.plain('_catalog', headers)).status).toBe(404);
    expect((await client.plain('', headers)).status).toBe(200);
  });

  test('has no API', async () => {
    await using app = await start({ environment: withMirror({ anonymous: true }) });
    const { url } = new MirrorClient(app);
    const headers = { 'private-token': app.token };
    const statusOf = async (path: string) => (await fetch(url + path, { headers })).status;
    for (const path of [
      '/api/v4/version',
      '/api/v4/user',
      '/gitlab/v1/',
      '/api/docs',
      '/.well-known/jwks.json',
    ])
      expect([path, await statusOf(path)]).toEqual([path, 404]);
    expect(await statusOf('/')).toBe(200);
  });

  test('that is anonymous asks nobody to log in, whatever its virtual registry says elsewhere', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror({ anonymous: true }) });
    const client = new MirrorClient(app);
    expect((await client.plain('')).status).toBe(200);
    expect((await client.plain('library/alpine/manifests/v1')).status).toBe(200);
    expect(
      (await client.plain('library/alpine/manifests/v1', { authorization: 'Basic d3Jvbmc6d3Jvbmc=' })).status,
    ).toBe(401);
    expect(
      (await fetch(`${app.url}/v2/virtual_registries/container/1/library/alpine/manifests/v1`)).status,
    ).toBe(401);
  });

  test('of a virtual registry that everyone may pull through gives tokens to everyone', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], environment: withMirror() });
    const client = new MirrorClient(app);
    const { realm } = await client.challenge('library/alpine/manifests/v1');
    const statusFor = async () => {
      const query = new URLSearchParams({
        service: 'container_registry',
        scope: 'repository:library/alpine:pull',
      });
      const { token } = await jsonOf<{ token: string }>(await fetch(`${realm}?${query}`));
      return (await client.plain('library/alpine/manifests/v1', { authorization: `Bearer ${token}` })).status;
    };
    expect(await statusFor()).toBe(401);
    await app.api('PATCH', '/virtual_registries/container/registries/1', { anonymous_pull: true });
    expect(await statusFor()).toBe(200);
  });

  test('has nothing for scopes of what is no image, and no number but that of a virtual registry', async () => {
    await using app = await start({ environment: withMirror() });
    const headers = { authorization: basicOf({ username: 'root', secret: app.token }) };
    for (const [id, scope] of [
      ['1', 'repository:Library/Alpine:pull'],
      ['1', 'repository:/etc/passwd:pull'],
      ['x', 'repository:library/alpine:pull'],
      ['99', 'repository:library/alpine:pull'],
    ]) {
      const query = new URLSearchParams({ service: 'container_registry', scope: `${scope}` });
      const path = `/jwt/auth/virtual_registries/container/${id}?${query}`;
      const { token } = await jsonOf<{ token: string }>(await fetch(app.url + path, { headers }));
      const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
      expect(claims.access).toEqual([]);
    }
  });

  test('counts what is asked without credentials for the limit of the address', async () => {
    await using upstream = await startUpstream();
    const environment = { ...withMirror({ anonymous: true }), ENTREPOT_RATE_LIMITS__REQUESTS: '10' };
    await using app = await start({ upstreams: [upstream], environment });
    app.advance(60_000);
    const client = new MirrorClient(app);
    const statuses: number[] = [];
    for (let pull = 0; pull < 12; pull += 1) {
      expect((await client.plain('')).status).toBe(200);
      statuses.push((await client.plain('library/alpine/manifests/v1')).status);
    }
    expect(statuses).toEqual([...Array(10).fill(200), 429, 429]);
  });

  test('says in the log what it was asked, and of which virtual registry', async () => {
    await using upstream = await startUpstream();
    await using app = await start({
      upstreams: [upstream],
      environment: withMirror({ anonymous: true }),
      log,
    });
    await new MirrorClient(app).plain('library/alpine/manifests/v1');
    const line = { path: '/v2/library/alpine/manifests/v1', mirror: 1, outcome: 'miss' };
    await eventually(() => expect(told).toContainEqual(['info', expect.objectContaining(line)]));
  });

  test('of a virtual registry that is not there has nothing, and is told of', async () => {
    const environment = { ENTREPOT_MIRRORS: JSON.stringify([{ address, registry: 99, anonymous: true }]) };
    await using app = await start({ environment, log });
    expect((await new MirrorClient(app).plain('library/alpine/manifests/v1')).status).toBe(404);
    expect(told).toContainEqual(['warn', expect.objectContaining({ registry: 99 })]);
  });

  test('with a host name is where that is asked for, and nowhere else', async () => {
    await using upstream = await startUpstream();
    const environment = {
      ENTREPOT_MIRRORS: JSON.stringify([{ host: 'LocalHost', registry: 1 }]),
      ENTREPOT_HTTP__EXTERNAL_URL: 'http://registry.example.com',
    };
    await using app = await start({ upstreams: [upstream], environment });
    const client = new MirrorClient(app, app.url.replace('127.0.0.1', 'localhost'));
    expect(await client.challenge('library/alpine/manifests/v1')).toEqual({
      realm: 'http://registry.example.com/jwt/auth/virtual_registries/container/1',
      scope: 'repository:virtual_registries/container/1/library/alpine:pull',
    });
    const headers = { authorization: basicOf({ username: 'root', secret: app.token }) };
    expect((await client.plain('library/alpine/manifests/v1', headers)).status).toBe(200);
    expect((await app.v2('library/alpine/manifests/v1')).status).toBe(404);
  });

  describe('with ?ns=', () => {
    test('asks the upstream whose host it names, and none before it', async () => {
      await using first = await startUpstream('team/app');
      await using second = await startUpstream('team/app');
      await using app = await start({ upstreams: [first, second], environment: withMirror() });
      const client = new MirrorClient(app);
      for (const _ of ['cold', 'warm']) {
        const answer = await client.get('team/app', `manifests/v1?ns=${second.host}`);
        expect(answer.status).toBe(200);
      }
      expect((await client.get('team/app', `tags/list?ns=${second.host}`)).status).toBe(200);
      expect(first.count()).toBe(0);
    });

    test('never asks for a host that is not configured, nor anyone in its place', async () => {
      await using upstream = await startUpstream();
      await using other = await startUpstream();
      await using app = await start({ upstreams: [upstream], environment: withMirror() });
      const client = new MirrorClient(app);
      for (const ns of ['docker.io', other.host, '//', 'a b']) {
        const answer = await client.get('library/alpine', `manifests/v1?ns=${encodeURIComponent(ns)}`);
        const { code, message } = await errorOf(answer);
        expect([answer.status, code, message]).toEqual([404, 'NAME_UNKNOWN', expect.stringContaining(ns)]);
      }
      expect([upstream.count(), other.count()]).toEqual([0, 0]);
    });

    test('asks all of its upstreams for a host that it stands for', async () => {
      await using upstream = await startUpstream();
      const environment = withMirror({ stands_for: ['docker.io'] });
      await using app = await start({ upstreams: [upstream], environment });
      const client = new MirrorClient(app);
      const statuses = [];
      for (const ns of [
        'docker.io',
        'index.docker.io',
        'registry-1.docker.io',
        'registry.hub.docker.com',
        'quay.io',
      ])
        statuses.push((await client.get('library/alpine', `manifests/v1?ns=${ns}`)).status);
      expect(statuses).toEqual([200, 200, 200, 200, 404]);
    });

    test('takes names as they are at the upstream, where that has a prefix here or there', async () => {
      await using upstream = await startUpstream('team/app');
      const fields = { url: upstream.url, strip_prefix: 'ours', add_prefix: 'team' };
      await using app = await start({ upstreams: [fields], environment: withMirror() });
      const client = new MirrorClient(app);
      expect((await client.get('team/app', `manifests/v1?ns=${upstream.host}`)).status).toBe(200);
      expect((await client.get('ours/app', 'manifests/v1')).status).toBe(200);
      upstream.forgetRequests();
      expect((await client.get('other/app', `manifests/v1?ns=${upstream.host}`)).status).toBe(404);
      expect(upstream.count()).toBe(0);
    });

    test('finds upstreams of the other virtual registries of the group, and of no other group', async () => {
      await using upstream = await startUpstream();
      await using ofGroup = await startUpstream();
      await using elsewhere = await startUpstream();
      await using app = await start({ upstreams: [upstream], environment: withMirror() });
      await addRegistry(app, {}, ofGroup.url);
      await app.api('POST', '/groups', { name: 'other', path: 'other' });
      const made = await app.api('POST', '/groups/other/-/virtual_registries/container/registries', {
        name: 'x',
      });
      const { id } = await jsonOf<{ id: number }>(made);
      const body = { url: elsewhere.url, name: 'x' };
      expect(
        (await app.api('POST', `/virtual_registries/container/registries/${id}/upstreams`, body)).status,
      ).toBe(201);
      const client = new MirrorClient(app);
      expect((await client.get('library/alpine', `manifests/v1?ns=${ofGroup.host}`)).status).toBe(200);
      expect((await client.get('library/alpine', `manifests/v1?ns=${elsewhere.host}`)).status).toBe(404);
      expect([upstream.count(), elsewhere.count()]).toEqual([0, 0]);
    });

    test('opens nothing to everyone that is not open: neither an anonymous mirror nor an open registry leads to others', async () => {
      await using upstream = await startUpstream();
      await using closed = await startUpstream();
      await using open = await startUpstream();
      const environment = withMirror({ anonymous: true });
      await using app = await start({ upstreams: [upstream], environment });
      await addRegistry(app, { name: 'closed' }, closed.url);
      await addRegistry(app, { name: 'open', anonymous_pull: true }, open.url);
      const client = new MirrorClient(app);
      const statusOf = async (host: string) =>
        (await client.plain(`library/alpine/manifests/v1?ns=${host}`)).status;
      expect([await statusOf(closed.host), await statusOf(open.host)]).toEqual([404, 200]);
      expect(closed.count()).toBe(0);
    });
  });
});
