/**
 * Classes of vulnerabilities of other registries and clients that concern what upstreams make of us, each designed out and tested by its
 * name: credentials that go elsewhere, requests to where nobody outside should get, and more bytes than we asked for.
 */
import { expect, test } from 'vitest';
import { errorOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { bytesBlob, fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const credentials = { username: 'robot', password: 's3cret' };
const metadataService = 'http://169.254.169.254/latest/meta-data';

describeApp('a vulnerability of others, seen from an upstream', (start) => {
  test('CVE-2026-33540 (distribution), CVE-2026-48978 (oras-go): credentials go to no token service of another host', async () => {
    await using thief = await new FakeRegistry().start();
    const realm = `http://localhost:${new URL(thief.url).port}/token`;
    await using upstream = await new FakeRegistry({
      auth: { kind: 'bearer', ...credentials, realm },
    }).start();
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [] });
    await using app = await start({ upstreams: [{ url: upstream.url, ...credentials }] });
    expect((await app.manifest('team/app', 'v1')).status).toBe(502);
    expect(upstream.count()).toBeGreaterThan(0);
    expect(thief.count()).toBe(0);
  });

  test('credentials go to no token service at another port of the same host without TLS, unless it is named', async () => {
    await using other = await new FakeRegistry({ auth: { kind: 'bearer', ...credentials } }).start();
    const auth = { kind: 'bearer', ...credentials, realm: `${other.url}/token` } as const;
    await using upstream = await new FakeRegistry({ auth }).start();
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [] });
    const upstreams = [{ url: upstream.url, ...credentials }];
    await using app = await start({ upstreams });
    const refused = await app.manifest('team/app', 'v1');
    expect(refused.status).toBe(502);
    const pair = `${upstream.host}=${other.host}`;
    expect((await errorOf(refused)).message).toContain(`add ${pair} to upstreams.token_hosts`);
    expect(other.count()).toBe(0);
    await using trusting = await start({
      upstreams,
      environment: { ENTREPOT_UPSTREAMS__TOKEN_HOSTS: pair },
    });
    await trusting.manifest('team/app', 'v1');
    expect(other.matching({ kind: 'token' })[0]?.headers.authorization).toMatch(/^Basic /);
  });

  test('GHSA-vh4v-2xq2-g5cg, CVE-2026-50151, CVE-2026-50163 (oras-go): credentials do not follow a redirect elsewhere', async () => {
    await using upstream = await new FakeRegistry({ auth: { kind: 'bearer', ...credentials } }).start();
    const layer = seededBlob(3000, 1);
    upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
    upstream.fault({ kind: 'blob' }, { redirect: true });
    await using app = await start({ upstreams: [{ url: upstream.url, ...credentials }] });
    expect((await app.blob('team/app', layer.digest)).status).toBe(200);
    const [redirected, ...more] = upstream.matching({ kind: 'elsewhere' });
    expect(more).toEqual([]);
    expect(redirected?.headers.authorization).toBeUndefined();
    expect(upstream.matching({ kind: 'blob' }).at(-1)?.headers.authorization).toMatch(/^Bearer /);
  });

  test('CVE-2020-15157 (containerd): what a manifest calls the address of a layer is never asked', async () => {
    await using elsewhere = await new FakeRegistry().start();
    await using upstream = await new FakeRegistry({ auth: { kind: 'bearer', ...credentials } }).start();
    const layer = seededBlob(3000, 2);
    const image = fakeImage({ layers: [layer] });
    const manifest = JSON.parse(image.payload.toString());
    manifest.layers[0].urls = [`${elsewhere.url}/v2/team/app/blobs/${layer.digest}`];
    const payload = Buffer.from(JSON.stringify(manifest));
    const foreign = { ...image, payload, digest: bytesBlob(payload.toString()).digest };
    upstream.repository('team/app').push(foreign, 'v1');
    upstream.fault({ kind: 'blob' }, { status: 404 });
    await using app = await start({ upstreams: [{ url: upstream.url, ...credentials }] });
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    expect((await app.blob('team/app', layer.digest)).status).toBe(404);
    expect(elsewhere.count()).toBe(0);
  });

  test.for([
    ['a realm', { auth: { kind: 'bearer', realm: `${metadataService}/token` } }, {}],
    ['a redirect', {}, { status: 307, headers: { location: metadataService } }],
  ] as const)(
    'CVE-2026-32591 (Quay), go-containerregistry #2291: %s leads to no address inside',
    async ([, options, fault]) => {
      await using upstream = await new FakeRegistry(options).start();
      const layer = seededBlob(3000, 3);
      upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
      if ('status' in fault) upstream.fault({ kind: 'blob' }, fault);
      await using app = await start({ upstreams: [upstream] });
      const answer = await app.blob('team/app', layer.digest);
      expect([502, 503]).toContain(answer.status);
      expect((await errorOf(answer)).message).toMatch(/169\.254\.169\.254/);
    },
  );

  test('CVE-2026-0600, CVE-2022-27907 (Nexus), CVE-2020-13788 (Harbor): an upstream and its test reach no address inside', async () => {
    await using app = await start();
    const registry = '/virtual_registries/container/registries/1/upstreams';
    const group = await jsonOf<{ id: number }[]>(await app.api('GET', '/groups'));
    const test = `/groups/${group[0]?.id}/-/virtual_registries/container/upstreams/test`;
    // Written as numbers and as IPv6, too; a name is looked at when it is connected to.
    for (const host of [
      '169.254.169.254',
      '0xa9fea9fe',
      '2852039166',
      '[::ffff:a9fe:a9fe]',
      '10.0.0.1',
      '[fd00::1]',
    ])
      for (const path of [registry, test]) {
        const answer = await app.api('POST', path, { name: 'inside', url: `http://${host}` });
        const said = await answer.text();
        const isRefused =
          answer.status === 400 ||
          /"success":false.*(?:not a public address|in a private network)/.test(said);
        expect([host, path, answer.status, said, isRefused]).toEqual([host, path, answer.status, said, true]);
      }
  });

  test('GHSA-f36w (oras-go): an upstream’s manifest has a size of ours', async () => {
    await using upstream = await new FakeRegistry().start();
    const annotations = { padding: 'x'.repeat(4 * 1024 * 1024) };
    upstream.repository('team/app').push(fakeImage({ layers: [], annotations }), 'big');
    await using app = await start({ upstreams: [upstream] });
    expect((await app.manifest('team/app', 'big')).status).toBe(502);
  });
});
