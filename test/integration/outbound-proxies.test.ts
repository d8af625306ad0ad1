/** What goes out of the whole server goes through the proxy that the environment or the configuration names. */
import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';
import { bytesOf, errorOf, jsonOf } from '../support/bodies.ts';
import { pair } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { HttpProxy } from '../support/http-proxy.ts';
import { listeningLog } from '../support/listening-log.ts';
import { OidcIssuer } from '../support/oidc-issuer.ts';
import { OidcProvider } from '../support/oidc-provider.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { TlsFront } from '../support/tls-front.ts';
import { WebhookReceiver } from '../support/webhook-receiver.ts';

const authorities = new URL('../fixtures/authority/authority.crt', import.meta.url).pathname;

test('upstreams, their token services and where they redirect are asked through it', async () => {
  await using proxy = await HttpProxy.start({ login: 'robot:s3cret' });
  await using upstream = await new FakeRegistry({ auth: { kind: 'bearer' } }).start();
  const layer = seededBlob(1000, 1);
  upstream.repository('team/app').addImage({ tag: 'v1', layers: [layer] });
  upstream.fault({ kind: 'blob' }, { redirect: true });
  await using app = await TestApp.start({
    environment: { HTTP_PROXY: proxy.url('robot:s3cret') },
    upstreams: [upstream],
  });
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  expect(await bytesOf(await app.blob('team/app', layer.digest))).toHaveLength(1000);
  const asked = new Set(proxy.requests.map((line) => line.split('?')[0]));
  expect([...asked]).toEqual([
    `HEAD ${upstream.url}/v2/team/app/manifests/v1`,
    `GET ${upstream.url}/token`,
    `GET ${upstream.url}/v2/team/app/manifests/v1`,
    `GET ${upstream.url}/v2/team/app/blobs/${layer.digest}`,
    expect.stringMatching(new RegExp(`^GET ${upstream.elsewhereUrl}/`)),
  ]);
  expect(proxy.requests).toHaveLength(upstream.requests.length);
});

test('an upstream with TLS is tunnelled to, and believed by the authorities that are named', async () => {
  await using proxy = await HttpProxy.start();
  await using upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1' });
  await using front = await TlsFront.before(upstream.url, pair('server'));
  const upstreams = [{ url: front.url }];
  const environment = { HTTPS_PROXY: proxy.url(), SSL_CERT_FILE: authorities };
  await using app = await TestApp.start({ environment, upstreams });
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  expect(new Set(proxy.requests)).toEqual(new Set([`CONNECT 127.0.0.1:${front.port}`]));

  await using other = await TestApp.start({ environment: { HTTPS_PROXY: proxy.url() }, upstreams });
  const refused = await other.manifest('team/app', 'v1');
  expect([refused.status, (await errorOf(refused)).message]).toEqual([
    503,
    expect.stringContaining('outbound.ca_file'),
  ]);
});

test('hosts of NO_PROXY, and upstreams where the configuration says so, are asked directly', async () => {
  await using proxy = await HttpProxy.start();
  await using upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1' });
  for (const environment of [{ NO_PROXY: '127.0.0.0/8' }, { ENTREPOT_UPSTREAMS__PROXY: 'direct' }]) {
    const proxied = { HTTP_PROXY: proxy.url(), ...environment };
    await using app = await TestApp.start({ environment: proxied, upstreams: [upstream] });
    expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  }
  expect(proxy.requests).toEqual([]);
  const environment = { HTTP_PROXY: 'http://127.0.0.1:1', ENTREPOT_UPSTREAMS__PROXY: proxy.url() };
  await using app = await TestApp.start({ environment, upstreams: [upstream] });
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  expect(proxy.requests.length).toBeGreaterThan(0);
});

test('webhooks are sent through it', async () => {
  await using proxy = await HttpProxy.start();
  await using receiver = await WebhookReceiver.start();
  await using app = await TestApp.start({
    environment: {
      HTTP_PROXY: proxy.url(),
      ENTREPOT_WEBHOOKS__ALLOWED_NETWORKS: '127.0.0.0/8',
      ENTREPOT_WEBHOOKS__ENDPOINTS: JSON.stringify([{ name: 'ci', url: receiver.url }]),
    },
  });
  await createProject(app, 'acme/shop');
  await new Pusher(app, 'acme/shop').image(fakeImage({ layers: [seededBlob(1000, 1)] }), 'v1');
  await eventually(() => expect(receiver.acknowledged.length).toBeGreaterThan(0));
  expect(new Set(proxy.requests)).toEqual(new Set([`POST ${receiver.url}`]));
});

test('an OpenID provider and the keys of a token service are asked for through it', async () => {
  await using proxy = await HttpProxy.start();
  await using provider = await OidcProvider.start();
  const issuer = await OidcIssuer.start();
  onTestFinished(() => issuer.close());
  await using app = await TestApp.start({
    environment: {
      http_proxy: proxy.url(),
      ENTREPOT_AUTH__OIDC_ISSUER: provider.url,
      ENTREPOT_AUTH__OIDC_CLIENT_ID: 'entrepot',
      ENTREPOT_AUTH__TOKEN_REALM: `${issuer.url}/token`,
      ENTREPOT_AUTH__TOKEN_SERVICE: 'entrepot',
      ENTREPOT_AUTH__TOKEN_ISSUER: issuer.url,
      ENTREPOT_AUTH__TOKEN_JWKS_URL: issuer.jwksUrl,
    },
  });
  await fetch(`${app.url}/auth/oidc?return_to=/`, { redirect: 'manual' });
  const token = await issuer.sign({ aud: 'entrepot', access: [] });
  await app.v2('acme/shop/tags/list', { headers: { authorization: `Bearer ${token}` } });
  expect(new Set(proxy.requests)).toEqual(
    new Set([`GET ${provider.url}/.well-known/openid-configuration`, `GET ${issuer.jwksUrl}`]),
  );
});

test('a proxy that refuses us is told to clients, in health and in the log, and its password nowhere', async () => {
  await using proxy = await HttpProxy.start({ login: 'robot:s3cret' });
  const { log, told } = listeningLog();
  await using app = await TestApp.start({
    environment: { HTTPS_PROXY: proxy.url('robot:wr0ng'), ENTREPOT_UPSTREAMS__BREAKER_FAILURES: '1' },
    upstreams: [{ url: 'https://registry.example.com' }],
    log,
  });
  const answer = await app.manifest('team/app', 'v1');
  const { message } = await errorOf(answer);
  expect(answer.status).toBe(503);
  expect(message).toContain(
    `the proxy ${proxy.host} (outbound.https_proxy) refused its user or password (407)`,
  );
  const shown = await jsonOf<{ health: { last_error: { message: string } } }>(
    await app.api('GET', `/virtual_registries/container/upstreams/${app.upstreamIds[0]}`),
  );
  expect(shown.health.last_error.message).toContain(`the proxy ${proxy.host}`);
  const tested = await app.api(
    'POST',
    `/virtual_registries/container/upstreams/${app.upstreamIds[0]}/test`,
    {},
  );
  expect(await tested.text()).toContain(`the proxy ${proxy.host}`);
  expect(JSON.stringify(told)).toContain(`the proxy ${proxy.host}`);
  expect(JSON.stringify([told, message, shown])).not.toMatch(/wr0ng|d3IwbmcK/);
});
