/** Upstreams as the whole server connects to them: through a proxy, with certificates and headers of their own. */
import { expect, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bytesOf, errorOf, jsonOf } from '../support/bodies.ts';
import { pair, pem } from '../support/certificates.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { HttpProxy } from '../support/http-proxy.ts';
import { listeningLog } from '../support/listening-log.ts';
import { TlsFront } from '../support/tls-front.ts';
import { startLoopbackRegistry } from '../unit/upstreams/loopback-registry.ts';

const authority = pem('authority.crt');
const client = { client_certificate: pem('client.crt'), client_key: pem('client.key') };
const layer = seededBlob(100_000, 3);

async function startUpstream(): Promise<FakeRegistry> {
  const upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
  return upstream;
}

async function pull(app: TestApp): Promise<string> {
  const manifest = await app.manifest('team/app', 'v1');
  if (manifest.status !== 200) return `${manifest.status} ${(await errorOf(manifest)).message}`;
  const blob = await app.blob('team/app', layer.digest);
  return `pulled ${(await bytesOf(blob)).length}`;
}

async function testConnection(app: TestApp): Promise<unknown> {
  const path = `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/test`;
  return jsonOf(await app.api('POST', path, {}));
}

test('with TLS are believed by the authority, and let us in by the client certificate, that are their own', async () => {
  await using upstream = await startUpstream();
  const options = { ...pair('server'), ca: authority, requestCert: true };
  await using front = await TlsFront.before(upstream.url, options);
  await using app = await TestApp.start({
    upstreams: [{ url: front.url, ca_certificate: authority, ...client }],
  });
  expect(await pull(app)).toBe('pulled 100000');
  expect(await testConnection(app)).toEqual({ success: true });
  await app.useUpstreams([{ url: front.url, ca_certificate: authority }]);
  expect(await pull(app)).toMatch(/^50\d .*give the upstream client_certificate and client_key/);
  await app.useUpstreams([{ url: front.url, ...client }]);
  expect(await pull(app)).toMatch(/^503 .*ca_certificate/);
  expect(await testConnection(app)).toMatchObject({
    success: false,
    result: expect.stringContaining('ca_certificate'),
  });
});

test('are asked through their own proxy, or through none, whatever the server has', async () => {
  await using upstream = await startUpstream();
  await using everyone = await HttpProxy.start();
  await using own = await HttpProxy.start({ login: 'robot:s3cret' });
  const environment = { HTTP_PROXY: everyone.url(), NO_PROXY: '*' };
  await using app = await TestApp.start({
    environment,
    upstreams: [{ url: upstream.url, proxy: own.url('robot:s3cret') }],
  });
  expect(await pull(app)).toBe('pulled 100000');
  expect([everyone.requests.length, own.requests.length]).toEqual([0, upstream.requests.length]);
  const asked = own.requests.length;
  await testConnection(app);
  expect(own.requests.length).toBe(asked + 1);

  await using other = await TestApp.start({
    environment: { HTTP_PROXY: everyone.url() },
    upstreams: [{ url: upstream.url, proxy: 'direct' }],
  });
  expect(await pull(other)).toBe('pulled 100000');
  expect([everyone.requests.length, own.requests.length]).toEqual([0, asked + 1]);
});

test('whose certificate is not looked at are told of in the log, at each change and each start', async () => {
  await using upstream = await startUpstream();
  await using front = await TlsFront.before(upstream.url, pair('expired'));
  const { log, told } = listeningLog();
  const warnings = () => JSON.stringify(told).split('"name":"upstream 1"').length - 1;
  await using app = await TestApp.start({ log, upstreams: [{ url: front.url, tls_verify: false }] });
  expect(await pull(app)).toBe('pulled 100000');
  const said = warnings();
  expect(said).toBeGreaterThan(0);
  await app.stop();
  await app.resume();
  expect(warnings()).toBeGreaterThan(said);
  const answer = await app.api('GET', '/virtual_registries/container/registries/1/explain?image=team/app:v1');
  expect(await jsonOf(answer)).toMatchObject({ upstreams: [{ tls_verify: false }] });
});

test('are sent their headers, as is their token service at the same origin, and no other host is', async () => {
  await using upstream = await new FakeRegistry({ auth: { kind: 'bearer' } }).start();
  upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
  upstream.fault({ kind: 'blob' }, { redirect: true });
  const headers = [{ key: 'X-Api-Key', value: 'k3y' }];
  await using app = await TestApp.start({ upstreams: [{ url: upstream.url, custom_headers: headers }] });
  expect(await pull(app)).toBe('pulled 100000');
  const sent = upstream.requests.map(({ headers, kind }) => `${kind} ${headers['x-api-key']}`);
  expect(new Set(sent)).toEqual(new Set(['manifest k3y', 'token k3y', 'blob k3y', 'elsewhere undefined']));
});

test('get no token by their headers for where they redirect', async () => {
  const seen: string[] = [];
  const own = await startLoopbackRegistry(({ url = '', headers }, response) => {
    seen.push(`own ${url.split('?')[0]} ${headers['x-api-key']}`);
    if (url.startsWith('/token')) return void response.end(JSON.stringify({ token: 'anyone' }));
    response.writeHead(307, { location: `${there.url}${url}` }).end();
  });
  const there = await startLoopbackRegistry(({ url, headers }, response) => {
    seen.push(`there ${url} ${headers['x-api-key']}`);
    response.writeHead(401, { 'www-authenticate': `Bearer realm="${own.url}/token"` }).end();
  });
  const headers = [{ key: 'X-Api-Key', value: 'k3y' }];
  await using app = await TestApp.start({ upstreams: [{ url: own.url, custom_headers: headers }] });
  await app.manifest('team/app', 'v1');
  expect(new Set(seen)).toEqual(
    new Set([
      'own /v2/team/app/manifests/v1 k3y',
      'there /v2/team/app/manifests/v1 undefined',
      'own /token undefined',
    ]),
  );
});
