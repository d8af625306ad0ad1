/** How upstreams are connected to: who may say what, what is kept, and what is never shown. */
import { expect, test } from 'vitest';
import { pem } from '../support/certificates.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const ofRegistry = (id: number) => `/virtual_registries/container/registries/${id}/upstreams`;
const one = (id: number) => `/virtual_registries/container/upstreams/${id}`;
const certificate = { client_certificate: pem('client.crt'), client_key: pem('client.key') };
const everything = {
  proxy: 'http://robot:s3cret@proxy.corp:3128',
  ca_certificate: pem('authority.crt'),
  ...certificate,
  tls_verify: false,
  custom_headers: [{ key: 'X-Api-Key', value: 'k3y' }],
};
const shown = {
  proxy: 'http://proxy.corp:3128',
  ca_certificate: pem('authority.crt'),
  client_certificate: pem('client.crt').trim(),
  tls_verify: false,
  custom_headers: [{ key: 'x-api-key' }],
};
const nothing = {
  proxy: null,
  ca_certificate: null,
  client_certificate: null,
  tls_verify: true,
  custom_headers: [],
};

describeEachDatabase('how an upstream is connected to', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const networkOf = async (id: number) => {
      const stored = await api.database.upstreams.find(id);
      return stored && api.secrets.openNetwork(stored);
    };
    return { api, registry, maintainer, networkOf };
  }

  test('is kept, and shown without what is secret', async () => {
    const { api, registry, networkOf } = await start();
    const created = await api.createUpstream(registry, 'hub', everything);
    expect(created).toMatchObject(shown);
    const answers = [
      created,
      await api.ask('GET', one(created.id)),
      await api.ask('GET', ofRegistry(registry)),
    ];
    const audit = await api.ask('GET', '/admin/audit_events');
    const stored = await api.database.upstreams.find(created.id);
    const text = JSON.stringify([answers, audit, stored]);
    for (const secret of ['s3cret', 'robot', 'k3y', 'PRIVATE KEY']) expect(text).not.toContain(secret);
    expect(await networkOf(created.id)).toEqual({
      proxy: 'http://robot:s3cret@proxy.corp:3128/',
      caCertificate: pem('authority.crt'),
      clientCertificate: { certificate: pem('client.crt').trim(), key: pem('client.key').trim() },
      tlsVerify: false,
      headers: { 'x-api-key': 'k3y' },
    });
  });

  test('is as the server has it where nothing is said', async () => {
    const { api, registry } = await start();
    expect(await api.createUpstream(registry, 'hub')).toMatchObject(nothing);
  });

  test('what is not said stays, and null and empty texts take away', async () => {
    const { api, registry, networkOf } = await start();
    const { id } = await api.createUpstream(registry, 'hub', everything);
    const before = await networkOf(id);
    await api.ask('PATCH', one(id), { name: 'renamed' });
    expect(await networkOf(id)).toEqual(before);
    await api.ask('PATCH', one(id), { custom_headers: [{ key: 'x-other', value: ' o ' }] });
    expect(await networkOf(id)).toEqual({ ...before, headers: { 'x-other': 'o' } });
    await api.ask('PATCH', one(id), { proxy: 'http://proxy.corp:3128' });
    expect((await networkOf(id))?.proxy).toBe(before?.proxy);
    await api.ask('PATCH', one(id), { proxy: 'direct' });
    expect((await networkOf(id))?.proxy).toBe('direct');
    const cleared = {
      proxy: '',
      ca_certificate: '',
      client_certificate: null,
      tls_verify: true,
      custom_headers: [],
    };
    expect((await api.ask('PATCH', one(id), cleared)).body).toMatchObject(nothing);
    expect((await api.database.upstreams.find(id))?.networkSealed).toBeUndefined();
  });

  test('goes along to another URL with an administrator, but for what says who we are', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub', everything);
    expect((await api.ask('PATCH', one(id), { url: 'https://other.example' })).body).toMatchObject({
      ...shown,
      client_certificate: null,
      custom_headers: [],
    });
    const again = { url: 'https://third.example', ...certificate, custom_headers: everything.custom_headers };
    expect((await api.ask('PATCH', one(id), again)).body).toMatchObject(shown);
  });

  test('does not go along with anybody else, nor to this server', async () => {
    const { api, registry, maintainer } = await start();
    for (const url of ['https://other.example', 'entrepot:platform']) {
      const { id } = await api.createUpstream(registry, 'hub', everything);
      const { body } = await api.as(maintainer, 'PATCH', one(id), { url });
      const kept = url.startsWith('https') ? { ca_certificate: shown.ca_certificate } : {};
      expect(body).toMatchObject({ url, ...nothing, ...kept });
      await api.ask('DELETE', one(id));
    }
  });

  test.each([
    [{ proxy: 'http://proxy.corp:3128' }, 'only administrators may name a proxy'],
    [{ proxy: 'direct' }, 'only administrators may name a proxy'],
    [{ tls_verify: false }, 'only administrators may have certificates not verified'],
  ])('only administrators may say %j', async (fields, message) => {
    const { api, registry, maintainer } = await start();
    const upstream = { name: 'hub', url: 'https://hub.example' };
    const { id } = await api.createUpstream(registry, 'first');
    const asked = [
      await api.as(maintainer, 'POST', ofRegistry(registry), { ...upstream, ...fields }),
      await api.as(maintainer, 'PATCH', one(id), fields),
      await api.as(maintainer, 'POST', `${one(id)}/test`, fields),
    ];
    for (const { status, body } of asked)
      expect([status, JSON.stringify(body)]).toEqual([403, expect.stringContaining(message)]);
    expect(api.tested).toEqual([]);
  });

  test('Maintainers keep what an administrator said, and say the rest', async () => {
    const { api, registry, maintainer, networkOf } = await start();
    const { id } = await api.createUpstream(registry, 'hub', everything);
    const same = { proxy: shown.proxy, tls_verify: false, ca_certificate: null };
    expect((await api.as(maintainer, 'PATCH', one(id), same)).body).toMatchObject({
      ...shown,
      ca_certificate: null,
    });
    expect((await networkOf(id))?.proxy).toContain('robot:s3cret@');
    const rest = { ca_certificate: everything.ca_certificate, ...certificate };
    const { status } = await api.as(maintainer, 'PATCH', one(id), { ...rest, proxy: null, tls_verify: true });
    expect(status).toBe(200);
    expect((await networkOf(id))?.proxy).toBeUndefined();
  });

  test.each([
    [{ proxy: 'socks5://proxy.corp' }, 'proxy', 'none of SOCKS'],
    [{ ca_certificate: 'nothing' }, 'ca_certificate', 'has no certificate in PEM'],
    [{ ca_certificate: pem('client.key') }, 'ca_certificate', 'must have no private key'],
    [{ client_certificate: certificate.client_certificate }, 'client_key', "can't be blank"],
    [{ client_key: certificate.client_key }, 'client_certificate', "can't be blank"],
    [{ ...certificate, client_key: pem('server.key') }, 'client_key', 'is the key of another certificate'],
    [{ ...certificate, client_key: pem('client-encrypted.key') }, 'client_key', 'is encrypted'],
    [{ ...certificate, client_key: 'x' }, 'client_key', 'is no private key'],
    [{ custom_headers: [{ key: 'a b', value: '' }] }, 'custom_headers', 'is no name of a header'],
    [{ custom_headers: [{ key: 'Authorization', value: 'x' }] }, 'custom_headers', 'username and password'],
    [{ custom_headers: [{ key: 'x', value: 'a\nb' }] }, 'custom_headers', 'no header can have'],
    [
      { custom_headers: ['x', 'X'].map((key) => ({ key, value: '' })) },
      'custom_headers',
      'must have each header once',
    ],
  ])('%# is refused with what to do', async (fields, attribute, text) => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'first');
    for (const answer of [
      await api.ask('POST', ofRegistry(registry), { name: 'hub', url: 'https://hub.example', ...fields }),
      await api.ask('PATCH', one(id), fields),
      await api.ask('POST', `${one(id)}/test`, fields),
    ]) {
      expect(answer.status).toBe(400);
      expect(JSON.stringify(answer.body.message[attribute])).toContain(text);
    }
  });

  test('a certificate that is renewed has its key, and a key its certificate', async () => {
    const { api, registry, networkOf } = await start();
    const { id } = await api.createUpstream(registry, 'hub', certificate);
    for (const fields of [
      { client_certificate: certificate.client_certificate },
      { client_key: certificate.client_key },
    ])
      expect((await api.ask('PATCH', one(id), fields)).status).toBe(200);
    expect((await api.ask('PATCH', one(id), { client_key: pem('server.key') })).status).toBe(400);
    expect((await api.ask('PATCH', one(id), { client_key: '' })).status).toBe(400);
    expect((await networkOf(id))?.clientCertificate).toBeDefined();
  });

  test('an upstream on this server has none of it', async () => {
    const { api, registry } = await start();
    const local = { name: 'own', url: 'entrepot:platform' };
    const { status, body } = await api.ask('POST', ofRegistry(registry), { ...local, ...everything });
    expect([status, Object.keys(body.message).toSorted()]).toEqual([400, Object.keys(everything).toSorted()]);
    const plain = { ...nothing, custom_headers: [] };
    expect((await api.ask('POST', ofRegistry(registry), { ...local, ...plain })).status).toBe(201);
  });

  test('a connection is tested with what is stored, or with what is said', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub', everything);
    const headers = [{ key: 'x-other', value: 'o' }];
    await api.ask('POST', `${one(id)}/test`, {});
    await api.ask('POST', `${one(id)}/test`, { tls_verify: true, custom_headers: headers });
    await api.ask('POST', `${one(id)}/test`, { url: 'https://other.example' });
    const fresh = { url: 'https://new.example', ...everything };
    await api.ask('POST', '/groups/platform/-/virtual_registries/container/upstreams/test', fresh);
    const network = { proxy: 'http://robot:s3cret@proxy.corp:3128/', tlsVerify: false };
    const clientCertificate = { certificate: expect.any(String), key: expect.any(String) };
    const named = { 'x-api-key': 'k3y' };
    expect(api.tested.map(({ settings }) => settings.network)).toMatchObject([
      { ...network, clientCertificate, headers: named },
      { ...network, clientCertificate, tlsVerify: true, headers: { 'x-other': 'o' } },
      { ...network, clientCertificate: undefined, headers: {} },
      { ...network, clientCertificate, headers: named },
    ]);
  });
});
