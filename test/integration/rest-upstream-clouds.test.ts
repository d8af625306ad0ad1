import { generateKeyPairSync } from 'node:crypto';
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const ofRegistry = (id: number) => `/virtual_registries/container/registries/${id}/upstreams`;
const one = (id: number) => `/virtual_registries/container/upstreams/${id}`;
const ecrUrl = 'https://123456789012.dkr.ecr.eu-west-1.amazonaws.com';
const key = { access_key_id: 'AKIAIOSFODNN7EXAMPLE', secret_access_key: 'wJalrSecret' };
const pem = String(
  generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ type: 'pkcs1', format: 'pem' }),
);
const keyFile = {
  type: 'service_account',
  client_email: 'pull@acme.iam.gserviceaccount.com',
  private_key: pem,
};
const role_arn = 'arn:aws:iam::123456789012:role/pull';

describeEachDatabase('credentials of clouds', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const give = (credentials: unknown, url = ecrUrl) =>
      api.as(maintainer, 'POST', ofRegistry(registry), { url, name: 'cloud', credentials });
    return { api, registry, maintainer, give };
  }

  test.each([
    ['ecr', ecrUrl, { ...key, role_arn }, { access_key_id: key.access_key_id, role_arn }],
    ['ecr-public', 'https://public.ecr.aws', key, { access_key_id: key.access_key_id }],
    [
      'google',
      'https://europe-docker.pkg.dev',
      { service_account_key: JSON.stringify(keyFile) },
      { service_account: keyFile.client_email },
    ],
    [
      'azure',
      'https://acme.azurecr.io',
      { tenant_id: 'acme', client_id: 'app', client_secret: 'wJalrSecret' },
      { tenant_id: 'acme', client_id: 'app' },
    ],
    [
      'harbor-robot',
      'https://harbor.test',
      { username: 'robot$team+ci', password: 'wJalrSecret' },
      { username: 'robot$team+ci' },
    ],
    ['basic', 'https://harbor.test', { username: 'ci', password: 'wJalrSecret' }, { username: 'ci' }],
  ])(
    'of %s are shown without their secrets, stay for the URL, and go with another',
    async (provider, url, given, shown) => {
      const { api, maintainer, give } = await start();
      const made = await give({ provider, ...given }, url);
      expect(made.status).toBe(201);
      expect(made.body.credentials).toMatchObject({ provider, ...shown, ambient: false });
      expect(JSON.stringify(made.body)).not.toMatch(/wJalrSecret|PRIVATE KEY/);
      const stored = await api.database.upstreams.find(made.body.id);
      expect(JSON.stringify(stored)).not.toMatch(/wJalrSecret|PRIVATE KEY/);
      expect(JSON.stringify(stored && api.secrets.open(stored))).toMatch(/wJalrSecret|PRIVATE KEY/);
      expect((await api.ask('GET', '/audit_events?per_page=100')).body).not.toMatchObject([
        { details: { secret: expect.anything() } },
      ]);
      const renamed = await api.as(maintainer, 'PATCH', one(made.body.id), { name: 'renamed' });
      expect(renamed.body.credentials).toMatchObject({ provider, ...shown });
      const again = await give({ provider, ...given }, url);
      expect(again).toMatchObject({
        status: 400,
        body: { message: { group: ['already has an upstream with the same credentials'] } },
      });
      const moved = await api.as(maintainer, 'PATCH', one(made.body.id), { url: 'https://elsewhere.test' });
      expect(moved).toMatchObject({ status: 200, body: { credentials: null, username: null } });
    },
  );

  test.each([
    [
      'a key of AWS elsewhere',
      'https://evil.test',
      { provider: 'ecr', ...key },
      /logins of ecr are for .+ not for https:\/\/evil\.test/,
    ],
    [
      'a key of AWS without TLS',
      ecrUrl.replace('https', 'http'),
      { provider: 'ecr', ...key },
      /logins of ecr/,
    ],
    [
      'half a key',
      ecrUrl,
      { provider: 'ecr', access_key_id: key.access_key_id },
      /need access_key_id and secret_access_key/,
    ],
    [
      'a key that ends',
      ecrUrl,
      { provider: 'ecr', ...key, access_key_id: 'ASIAIOSFODNN7EXAMPLE' },
      /ends by itself/,
    ],
    ['no role', ecrUrl, { provider: 'ecr', ...key, role_arn: 'pull' }, /role_arn that is none/],
    [
      'what belongs to another cloud',
      ecrUrl,
      { provider: 'ecr', client_id: 'app' },
      /of ecr have no client_id/,
    ],
    [
      'a file of Google that names a program',
      'https://gcr.io',
      {
        provider: 'google',
        service_account_key:
          '{"type":"external_account","credential_source":{"executable":{"command":"id"}}}',
      },
      /not the JSON of a key of a service account/,
    ],
    [
      'a secret without an application',
      'https://acme.azurecr.io',
      { provider: 'azure', client_secret: 's' },
      /need tenant_id and client_id/,
    ],
    [
      'a robot that a shell took the $ of',
      'https://h.test',
      { provider: 'harbor-robot', username: 'robot', password: 'p' },
      /single quotes/,
    ],
    [
      'a robot whose project went with it',
      'https://h.test',
      { provider: 'harbor-robot', username: 'robot+ci', password: 'p' },
      /single quotes/,
    ],
    [
      'a robot that is escaped',
      'https://h.test',
      { provider: 'harbor-robot', username: 'robot$$team+ci', password: 'p' },
      /single quotes/,
    ],
    ['the server’s own identity', ecrUrl, { provider: 'ecr' }, /upstreams\.ambient_hosts/],
    [
      'the server’s own identity in a role',
      ecrUrl,
      { provider: 'ecr', role_arn },
      /upstreams\.ambient_hosts/,
    ],
  ])('%s is refused', async (_, url, credentials, reason) => {
    const { give } = await start();
    const { status, body } = await give(credentials, url);
    expect(status).toBe(400);
    expect(body.message.credentials[0]).toMatch(reason);
  });

  test('the server’s own identity is for administrators to give, where the operator allows it', async () => {
    const { api, registry, maintainer, give } = await start();
    api.clouds.ambientHosts.push(new URL(ecrUrl).host);
    expect(await give({ provider: 'ecr' })).toMatchObject({ status: 403 });
    const tried = { url: ecrUrl, credentials: { provider: 'ecr' } };
    const trial = '/groups/platform/-/virtual_registries/container/upstreams/test';
    expect(await api.as(maintainer, 'POST', trial, tried)).toMatchObject({ status: 403 });
    const { status, body } = await api.ask('POST', ofRegistry(registry), { ...tried, name: 'cloud' });
    expect({ status, body }).toMatchObject({
      status: 201,
      body: { credentials: { provider: 'ecr', ambient: true } },
    });
    const change = (credentials: object) => api.as(maintainer, 'PATCH', one(body.id), { credentials });
    expect(await change({ provider: 'ecr' })).toMatchObject({ status: 200 });
    expect(await change({ provider: 'ecr', role_arn })).toMatchObject({ status: 403 });
    expect(await change({ provider: 'ecr', ...key })).toMatchObject({
      body: { credentials: { ambient: false } },
    });
    expect(await change({ provider: 'ecr' })).toMatchObject({ status: 403 });
  });

  test('a name and a password are what they were, and not said beside others', async () => {
    const { api, maintainer, give } = await start();
    const { body } = await give({ provider: 'ecr', ...key });
    const change = (given: Record<string, unknown>) => api.as(maintainer, 'PATCH', one(body.id), given);
    expect(await change({ password: 'alone' })).toMatchObject({ status: 400 });
    expect(
      await change({ username: 'a', password: 'b', credentials: { provider: 'ecr', ...key } }),
    ).toMatchObject({ status: 400 });
    expect(await change({ username: 'a', password: 'b' })).toMatchObject({
      body: { username: 'a', credentials: { provider: 'basic', username: 'a' } },
    });
    const { tested } = api;
    await api.as(maintainer, 'POST', `${one(body.id)}/test`, { credentials: { provider: 'ecr', ...key } });
    expect(tested.at(-1)?.settings.credentials).toMatchObject({
      provider: 'ecr',
      secret: key.secret_access_key,
    });
    expect(await change({ credentials: null })).toMatchObject({ status: 200, body: { credentials: null } });
  });
});
