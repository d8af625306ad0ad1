import { expect, test } from 'vitest';
import { jsonOf, manifestsOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const upstreams = '/virtual_registries/container/upstreams';

describeApp('a namespace at an upstream', (start) => {
  test('is asked for whatever is pulled, with a token for the name there', async () => {
    await using registry = await new FakeRegistry({ auth: { kind: 'bearer' } }).start();
    const repository = registry.repository('acme/hub/team/app');
    const layer = repository.addBlob(100);
    const image = repository.addImage({ tag: 'v1', layers: [layer] });
    const signature = repository.addArtifact(image, 'application/vnd.test');
    await using app = await start({ upstreams: [{ url: registry.url, add_prefix: 'acme/hub' }] });
    const pulled = await app.manifest('team/app', 'v1');
    expect(pulled.headers.get('docker-content-digest')).toBe(image.digest);
    expect((await app.blob('team/app', layer.digest)).status).toBe(200);
    expect(await tagsOf(await app.v2('virtual_registries/container/1/team/app/tags/list'))).toEqual(['v1']);
    const referrers = await app.v2(`virtual_registries/container/1/team/app/referrers/${image.digest}`);
    expect(await manifestsOf(referrers)).toMatchObject([{ digest: signature.digest }]);
    const scopes = registry
      .matching({ kind: 'token' })
      .map(({ query }) => new URLSearchParams(query).get('scope'));
    expect(new Set(scopes)).toEqual(new Set(['repository:acme/hub/team/app:pull']));
  });

  test('is not a path in front of /v2/, and both work together', async () => {
    await using registry = await new FakeRegistry().start();
    registry.fault({ path: '/front/v2/' }, { status: 401 });
    await using app = await start({ upstreams: [{ url: `${registry.url}/front`, add_prefix: 'acme' }] });
    await app.manifest('team/app', 'v1');
    expect(registry.requests.map(({ path }) => path)).toContain('/front/v2/acme/team/app/manifests/v1');
  });

  test('is the path of a URL at which there is no registry, on a host that is one', async () => {
    await using registry = await new FakeRegistry({ auth: { kind: 'bearer' } }).start();
    registry.fault({ path: '/acme/hub/v2/' }, { status: 404 });
    const repository = registry.repository('acme/hub/team/app');
    const layer = repository.addBlob(100);
    const image = repository.addImage({ tag: 'v1', layers: [layer] });
    await using app = await start({ upstreams: [{ url: `${registry.url}/acme/hub` }] });
    const pulled = await app.manifest('team/app', 'v1');
    expect(pulled.headers.get('docker-content-digest')).toBe(image.digest);
    expect((await app.blob('team/app', layer.digest)).status).toBe(200);
    expect(await tagsOf(await app.v2('virtual_registries/container/1/team/app/tags/list'))).toEqual(['v1']);
    const scopes = registry
      .matching({ kind: 'token' })
      .map(({ query }) => new URLSearchParams(query).get('scope'));
    expect(new Set(scopes)).toEqual(new Set(['repository:acme/hub/team/app:pull']));
    expect(registry.requests.filter(({ path }) => path === '/acme/hub/v2/')).toHaveLength(1);
  });

  test('decides which upstream is asked where what is stripped says so', async () => {
    await using hub = await new FakeRegistry().start();
    await using quay = await new FakeRegistry().start();
    for (const each of [hub, quay]) each.repository('team/app').addImage({ tag: 'v1' });
    await using app = await start({
      upstreams: [
        { url: hub.url, strip_prefix: 'hub' },
        { url: quay.url, strip_prefix: 'quay' },
      ],
    });
    expect((await app.manifest('quay/team/app', 'v1')).status).toBe(200);
    expect(hub.count()).toBe(0);
    expect((await app.manifest('team/app', 'v1')).status).toBe(404);
    const explained = await jsonOf(
      await app.api('GET', '/virtual_registries/container/registries/1/explain?image=quay/team/app:v1'),
    );
    expect(explained).toMatchObject({
      upstreams: [
        { allowed: false, repository: 'quay/team/app', entry: null, would_ask: false },
        { allowed: true, repository: 'team/app', entry: { fresh: true } },
      ],
      verdict: { upstream_id: app.upstreamIds[1], source: 'cache' },
    });
  });

  test('that changes never serves what another one has cached', async () => {
    await using registry = await new FakeRegistry().start();
    const layer = registry.repository('one/app').addBlob(100);
    const first = registry.repository('one/app').addImage({ tag: 'v1', layers: [layer] });
    const second = registry.repository('two/app').addImage({ tag: 'v1', architecture: 'arm64' });
    await using app = await start({ upstreams: [{ url: registry.url, add_prefix: 'one' }] });
    const digestOf = async () => (await app.manifest('app', 'v1')).headers.get('docker-content-digest');
    const blobStatus = async () => (await app.blob('app', layer.digest)).status;
    expect([await digestOf(), await blobStatus()]).toEqual([first.digest, 200]);
    await app.api('PATCH', `${upstreams}/${app.upstreamIds[0]}`, { add_prefix: 'two' });
    expect([await digestOf(), await blobStatus()]).toEqual([second.digest, 404]);
    expect((await app.manifest('app', first.digest)).status).toBe(404);
    registry.forgetRequests();
    await app.api('PATCH', `${upstreams}/${app.upstreamIds[0]}`, { add_prefix: 'one' });
    expect([await digestOf(), registry.count({ method: 'GET' })]).toEqual([first.digest, 0]);
  });

  test('is what a connection is tested in', async () => {
    await using registry = await new FakeRegistry().start();
    await using app = await start({ upstreams: [{ url: registry.url, add_prefix: 'acme' }] });
    const url = registry.url;
    const stored = `${upstreams}/${app.upstreamIds[0]}/test`;
    await app.api('POST', stored, {});
    await app.api('POST', stored, { add_prefix: 'other' });
    await app.api('POST', '/groups/1/-/virtual_registries/container/upstreams/test', {
      url,
      add_prefix: 'new',
    });
    expect(registry.matching({ kind: 'manifest' }).map(({ path }) => path)).toEqual([
      '/v2/acme/alpine/manifests/latest',
      '/v2/other/alpine/manifests/latest',
      '/v2/new/alpine/manifests/latest',
    ]);
  });
});
