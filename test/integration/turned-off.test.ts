import { expect, onTestFinished, test } from 'vitest';
import type { TestApp } from '../support/app.ts';
import { bearerOf } from '../support/bearer.ts';
import { errorOf, jsonOf } from '../support/bodies.ts';
import { basicOf } from '../support/credentials.ts';
import { describeApp } from '../support/describe-app.ts';
import { fakeImage } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, createUser, Pusher, type TestUser } from '../support/pushing.ts';

const image = fakeImage({ layers: [] });
const settings = '/application/settings';
const cached = 'virtual_registries/container/1/library/alpine';

async function startUpstream(): Promise<FakeRegistry> {
  const upstream = await new FakeRegistry().start();
  onTestFinished(() => upstream.stop());
  upstream.repository('library/alpine').push(image, '3');
  return upstream;
}

async function change(app: TestApp, path: string, body: object): Promise<void> {
  expect(await (await app.api('PUT', path, body)).json()).toMatchObject(body);
}

/** What a pull of an image is answered, by a token as Docker has it. */
async function pull(app: TestApp, name: string, { username, token: secret }: TestUser, reference = '1') {
  const authorization = await bearerOf(app.url, { username, secret }, `repository:${name}:pull`);
  return fetch(`${app.url}/v2/${name}/manifests/${reference}`, { headers: { authorization } });
}

async function detailOf(answer: Response): Promise<string> {
  return JSON.stringify(await errorOf(answer));
}

describeApp('what is turned off', (start) => {
  test('of the hosted registry is not shown by local upstreams, nor to anybody who is not logged in', async () => {
    await using app = await start();
    await createProject(app, 'default/shop', { visibility: 'public' });
    await app.useUpstreams([{ url: 'entrepot:default' }]);
    await new Pusher(app, 'default/shop').image(image, '1');
    const root = { username: 'root', token: app.token };
    const local = 'virtual_registries/container/1/shop';
    const anonymous = async () => {
      const authorization = await bearerOf(app.url, undefined, 'repository:default/shop:pull');
      return fetch(`${app.url}/v2/default/shop/manifests/1`, { headers: { authorization } });
    };
    expect([(await pull(app, local, root)).status, (await anonymous()).status]).toEqual([200, 200]);
    await change(app, settings, { container_registry_enabled: false });
    expect((await pull(app, local, root)).status).toBe(404);
    const refused = await anonymous();
    expect([refused.status, await detailOf(refused)]).toEqual([404, expect.stringContaining('turned off')]);
  });

  test('of a group is told to clients of its anonymous mirror, too', async () => {
    const upstream = await startUpstream();
    const mirrors = JSON.stringify([{ address: '127.0.0.1:0', registry: 1, anonymous: true }]);
    await using app = await start({ upstreams: [upstream], environment: { ENTREPOT_MIRRORS: mirrors } });
    const ask = () => fetch(`${app.mirrorUrls[0]}/v2/library/alpine/manifests/3`);
    expect((await ask()).status).toBe(200);
    await change(app, '/groups/default', { virtual_registries_enabled: false });
    const refused = await ask();
    expect([refused.status, await detailOf(refused)]).toEqual([404, expect.stringContaining('turned off')]);
  });

  test('is so for another process within a second', async () => {
    const upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream], areWorkers: true });
    await createProject(app, 'acme/shop');
    await new Pusher(app, 'acme/shop').image(image, '1');
    const other = await app.startAnother();
    try {
      const root = { username: 'root', token: app.token };
      const statuses = async () => [
        (await pull(other, 'acme/shop', root)).status,
        (await pull(other, cached, root, '3')).status,
      ];
      expect(await statuses()).toEqual([200, 200]);
      const off = { container_registry_enabled: false, virtual_registries_enabled: false };
      await change(app, settings, off);
      other.advance(1001);
      await expect.poll(statuses, { timeout: 5000 }).toEqual([404, 404]);
    } finally {
      await other.stop();
    }
  });

  test('of the hosted registry says so to pulls, pushes, lists and the API, and is as it was when it is on again', async () => {
    const upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream] });
    const id = await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    await pusher.image(image, '1');
    const root = { username: 'root', token: app.token };
    expect((await pull(app, 'acme/shop', root)).status).toBe(200);

    await change(app, settings, { container_registry_enabled: false });
    const asRoot = { authorization: basicOf({ username: 'root', secret: app.token }) };
    const refused = await pull(app, 'acme/shop', root);
    expect([refused.status, await detailOf(refused)]).toEqual([404, expect.stringContaining('turned off')]);
    const digest = await pull(app, 'acme/shop', root, image.digest);
    expect(digest.status).toBe(404);
    for (const [method, path, status] of [
      ['POST', '/v2/acme/shop/blobs/uploads/', 403],
      ['DELETE', '/v2/acme/shop/manifests/1', 403],
      ['GET', '/v2/acme/shop/tags/list', 404],
      ['GET', `/v2/acme/shop/blobs/${image.config?.digest}`, 404],
      ['GET', '/gitlab/v1/repositories/acme/shop/', 404],
    ] as const) {
      const answer = await fetch(app.url + path, { method, headers: asRoot });
      expect([path, answer.status, await detailOf(answer)]).toEqual([
        path,
        status,
        expect.stringContaining('container_registry_enabled'),
      ]);
    }
    const listing = await bearerOf(app.url, { username: 'root', secret: app.token }, 'registry:catalog:*');
    const catalog = await fetch(`${app.url}/v2/_catalog`, { headers: { authorization: listing } });
    expect([catalog.status, await detailOf(catalog)]).toEqual([403, expect.stringContaining('turned off')]);
    for (const path of [`/projects/${id}/registry/repositories`, '/groups/acme/registry/repositories']) {
      const answer = await app.api('GET', path);
      expect([answer.status, await answer.text()]).toEqual([404, expect.stringContaining('turned off')]);
    }
    expect((await app.api('GET', `/projects/${id}`)).status).toBe(200);
    expect((await pull(app, cached, root, '3')).status).toBe(200);

    await change(app, settings, { container_registry_enabled: true });
    expect((await pull(app, 'acme/shop', root)).status).toBe(200);
    await pusher.image(image, '2');
  });

  test('of a virtual registry is told to those who may pull through it, and looks like nothing to others', async () => {
    const upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream] });
    const found = await app.api('GET', '/virtual_registries/container/registries/1');
    const { group_id: groupId } = await jsonOf<{ group_id: number }>(found);
    const root = { username: 'root', token: app.token };
    const stranger = await createUser(app, 'sam');
    expect((await pull(app, cached, root, '3')).status).toBe(200);
    const unknown = await detailOf(await pull(app, cached, stranger, '3'));

    for (const path of [`/groups/${groupId}`, settings]) {
      await change(app, path, { virtual_registries_enabled: false });
      const refused = await pull(app, cached, root, '3');
      expect([refused.status, await detailOf(refused)]).toEqual([404, expect.stringContaining('turned off')]);
      expect(await detailOf(await pull(app, cached, stranger, '3'))).toBe(unknown);
      for (const where of [
        `/groups/${groupId}/-/virtual_registries/container/registries`,
        '/virtual_registries/container/registries/1',
        '/virtual_registries/container/registries/1/upstreams',
      ]) {
        const answer = await app.api('GET', where);
        expect([where, answer.status, await answer.text()]).toEqual([
          where,
          404,
          expect.stringContaining('turned off'),
        ]);
      }
      await change(app, path, { virtual_registries_enabled: true });
      expect((await pull(app, cached, root, '3')).status).toBe(200);
    }
  });
});
