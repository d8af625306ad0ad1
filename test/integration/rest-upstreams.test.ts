import { describe, expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const ofGroup = (group: number | string) => `/groups/${group}/-/virtual_registries/container/upstreams`;
const ofRegistry = (id: number) => `/virtual_registries/container/registries/${id}/upstreams`;
const one = (id: number | string) => `/virtual_registries/container/upstreams/${id}`;

describeEachDatabase('upstreams', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    return { api, group, registry: await api.createRegistry(group, 'base') };
  }

  test('a minimum age is set, changed, shown and audited; of a year at most, and never for images of this server', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub', { min_age_hours: 168 });
    const set = {
      min_age_exempt_patterns: ['library/*'],
      min_age_exempt_digests: true,
      min_age_trust_created: true,
    };
    expect((await api.ask('PATCH', one(id), set)).body).toMatchObject({ ...set, min_age_hours: 168 });
    expect((await api.ask('GET', one(id))).body).toMatchObject({ ...set, min_age_hours: 168 });
    const { records } = await api.database.auditEvents.list({}, { page: 1, perPage: 20 });
    expect(records.map(({ details }) => details)).toContainEqual(
      expect.objectContaining({ min_age_exempt_patterns: ['library/*'], min_age_exempt_digests: true }),
    );
    for (const refused of [
      { min_age_hours: 8761 },
      { min_age_hours: -1 },
      { min_age_exempt_patterns: ['[a'] },
    ])
      expect((await api.ask('PATCH', one(id), refused)).status).toBe(400);
    const local = await api.ask('PATCH', one(id), { url: 'entrepot:acme/shop' });
    expect(local).toMatchObject({ status: 400, body: { message: { min_age_hours: expect.anything() } } });
  });

  test('a created upstream has the fields that GitLab has, and ours; never its password', async () => {
    const { api, group, registry } = await start();
    const { status, body } = await api.ask('POST', ofRegistry(registry), {
      url: 'https://registry-1.docker.io',
      name: 'Docker Hub',
      username: 'ci-bot',
      password: 'secret',
    });
    const upstream = {
      id: expect.any(Number),
      group_id: group,
      url: 'https://registry-1.docker.io',
      name: 'Docker Hub',
      description: null,
      cache_validity_hours: 24,
      username: 'ci-bot',
      credentials: {
        provider: 'basic',
        username: 'ci-bot',
        access_key_id: null,
        role_arn: null,
        external_id: null,
        service_account: null,
        tenant_id: null,
        client_id: null,
        ambient: false,
      },
      token_host: null,
      strip_prefix: null,
      add_prefix: null,
      allow_patterns: [],
      deny_patterns: [],
      allow_private_network: false,
      min_age_hours: 0,
      min_age_exempt_patterns: [],
      min_age_exempt_digests: false,
      min_age_trust_created: false,
      proxy: null,
      ca_certificate: null,
      client_certificate: null,
      tls_verify: true,
      custom_headers: [],
      health: { breaker: 'closed', open_until: null, last_error: null, last_success: null, quota: null },
      created_at: new Date(clock.now).toISOString(),
      updated_at: new Date(clock.now).toISOString(),
    };
    const position = { id: expect.any(Number), registry_id: registry, position: 1 };
    expect({ status, body }).toEqual({ status: 201, body: { ...upstream, registry_upstream: position } });
    expect((await api.ask('GET', ofRegistry(registry))).body).toEqual([
      { ...upstream, registry_upstream: position },
    ]);
    expect((await api.ask('GET', one(body.id))).body).toEqual({
      ...upstream,
      registry_upstreams: [position],
    });
    expect((await api.ask('GET', ofGroup(group))).body).toEqual([upstream]);
    const stored = await api.database.upstreams.find(body.id);
    expect(stored?.passwordSealed).not.toContain('secret');
    expect(stored && api.secrets.open(stored)).toEqual({ username: 'ci-bot', password: 'secret' });
  });

  test('what cannot be an upstream is refused with the reason', async () => {
    const { api, registry } = await start();
    const refusals: [object, Json][] = [
      [{ error: 'url is missing, name is missing' }, {}],
      [{ error: 'url is empty' }, { url: '', name: 'a' }],
      [{ error: 'name is empty' }, { url: 'https://a.example', name: ' ' }],
      [{ error: 'username, password provide all or none of parameters' }, { username: 'a' }],
      [{ error: 'username, password provide all or none of parameters' }, { password: 'a' }],
      [{ error: 'username, password provide all or none of parameters' }, { username: '', password: 'a' }],
      [{ error: 'cache_validity_hours is invalid' }, { cache_validity_hours: 'long' }],
      [
        { message: { cache_validity_hours: ['must be greater than or equal to 0'] } },
        { cache_validity_hours: -1 },
      ],
      [
        { message: { cache_validity_hours: ['must be less than or equal to 32767'] } },
        { cache_validity_hours: 32_768 },
      ],
      [{ message: { name: ['is too long (maximum is 255 characters)'] } }, { name: 'a'.repeat(256) }],
      [
        { message: { url: ['is too long (maximum is 255 characters)'] } },
        { url: `https://${'a'.repeat(255)}` },
      ],
      [{ message: { url: ['must be a valid URL'] } }, { url: 'registry' }],
      [
        { message: { url: ['is blocked: Only allowed schemes are http, https'] } },
        { url: 'ftp://a.example' },
      ],
      [{ message: { url: [expect.stringContaining('127.0.0.1')] } }, { url: 'http://localhost:5000' }],
      [{ message: { url: [expect.stringContaining('10.0.0.1')] } }, { url: 'http://10.0.0.1' }],
      [{ message: { url: [expect.stringContaining('169.254.169.254')] } }, { url: 'http://169.254.169.254' }],
      [
        { message: { username: ['is too long (maximum is 510 characters)'] } },
        { username: 'a'.repeat(511), password: 'b' },
      ],
      [{ error: 'allow_patterns is invalid' }, { allow_patterns: { a: 1 } }],
      [
        { message: { deny_patterns: ['is too long (maximum is 50 elements)'] } },
        { deny_patterns: Array(51).fill('a') },
      ],
      [
        { message: { allow_patterns: ['is too long (maximum is 255 characters)'] } },
        { allow_patterns: ['a'.repeat(256)] },
      ],
      [
        { message: { allow_patterns: ["'team/{a' opens a brace that is not closed"] } },
        { allow_patterns: ['team/{a'] },
      ],
      [
        { message: { deny_patterns: [expect.stringContaining('more than 100 wildcards')] } },
        { deny_patterns: ['*a'.repeat(101)] },
      ],
      [
        { message: { add_prefix: ['must be a path of lower-case names, as in acme/mirror'] } },
        { add_prefix: 'A' },
      ],
      ...['https://auth.example', 'auth.example/token', 'user@auth.example', 'auth example', ':1'].map(
        (token_host): [object, Json] => [
          { message: { token_host: ['must be a host, with or without a port, as in auth.example.com'] } },
          { token_host },
        ],
      ),
      [
        { message: { token_host: [expect.stringContaining('is blocked: address 10.0.0.1')] } },
        { token_host: '10.0.0.1:5001' },
      ],
      [
        { message: { token_host: [expect.stringContaining('169.254.169.254')] } },
        { token_host: '169.254.169.254' },
      ],
      [{ message: { token_host: [expect.stringContaining('127.0.0.1')] } }, { token_host: 'LocalHost' }],
      [{ message: { strip_prefix: [expect.stringContaining('acme/mirror')] } }, { strip_prefix: '//a' }],
    ];
    for (const [body, given] of refusals) {
      const isWhole = Object.keys(given).length > 0;
      const input = isWhole ? { url: 'https://a.example', name: 'a', ...given } : {};
      expect(await api.ask('POST', ofRegistry(registry), input)).toMatchObject({ status: 400, body });
    }
    expect((await api.ask('GET', ofRegistry(registry))).body).toEqual([]);
  });

  test('a registry has at most five', async () => {
    const { api, group, registry } = await start();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await api.createUpstream(registry, name);
    expect(
      await api.ask('POST', ofRegistry(registry), { url: 'https://f.example', name: 'f' }),
    ).toMatchObject({
      status: 400,
      body: {
        message: {
          'registry_upstreams.position': [
            'must be less than or equal to 5',
            'a virtual registry takes 5 upstreams',
          ],
        },
      },
    });
    expect((await api.ask('GET', ofGroup(group))).body).toHaveLength(5);
  });

  test('the same URL is there once per credentials', async () => {
    const { api, registry } = await start();
    const url = 'https://hub.example';
    const create = (fields: object) => api.ask('POST', ofRegistry(registry), { url, name: 'x', ...fields });
    const same = {
      status: 400,
      body: { message: { group: ['already has an upstream with the same credentials'] } },
    };
    expect(await create({})).toMatchObject({ status: 201 });
    expect(await create({ url: `${url}/v2/` })).toMatchObject(same);
    expect(await create({ username: 'a', password: 'b' })).toMatchObject({ status: 201 });
    expect(await create({ username: 'a', password: 'b' })).toMatchObject(same);
    const other = await create({ username: 'a', password: 'c' });
    expect(other).toMatchObject({ status: 201 });
    expect(await api.ask('PATCH', one(other.body.id), { password: 'b' })).toMatchObject(same);
  });

  test('the same URL is there once per namespace', async () => {
    const { api, registry } = await start();
    const url = 'https://harbor.example';
    const same = { status: 400, body: { message: { group: [expect.stringContaining('same credentials')] } } };
    const create = (fields: object) => api.ask('POST', ofRegistry(registry), { url, name: 'x', ...fields });
    const whole = await create({});
    expect(await create({ add_prefix: '/team/' })).toMatchObject({
      status: 201,
      body: { add_prefix: 'team' },
    });
    expect(await create({ add_prefix: 'team' })).toMatchObject(same);
    expect(await create({ add_prefix: 'team', strip_prefix: 'ours' })).toMatchObject({ status: 201 });
    expect(await api.ask('PATCH', one(whole.body.id), { add_prefix: 'team' })).toMatchObject(same);
    const changed = { add_prefix: 'team', strip_prefix: 'other' };
    expect(await api.ask('PATCH', one(whole.body.id), changed)).toMatchObject({ status: 200, body: changed });
    expect(await api.ask('PATCH', one(whole.body.id), { name: 'y' })).toMatchObject({ body: changed });
    const none = { add_prefix: null, strip_prefix: null };
    expect(await api.ask('PATCH', one(whole.body.id), none)).toMatchObject({ status: 200, body: none });
  });

  test('where its token service is may be said by a maintainer, and is good for its URL only', async () => {
    const { api, group, registry } = await start();
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const input = { url: 'https://a.example', name: 'a', token_host: ' Auth.Example:5001 ' };
    const { status, body } = await api.as(maintainer, 'POST', ofRegistry(registry), input);
    expect({ status, body }).toMatchObject({ status: 201, body: { token_host: 'auth.example:5001' } });
    const change = async (changes: Record<string, unknown>) =>
      (await api.as(maintainer, 'PATCH', one(body.id), changes)).body.token_host;
    expect(await change({ name: 'b' })).toBe('auth.example:5001');
    expect(await change({ username: 'u', password: 'p' })).toBe('auth.example:5001');
    expect(await change({ token_host: 'sso.example' })).toBe('sso.example');
    const stored = await api.database.upstreams.find(body.id);
    expect(stored && api.secrets.settingsOf(stored).tokenHost).toBe('sso.example');
    expect(await api.as(maintainer, 'PATCH', one(body.id), { token_host: '10.0.0.1' })).toMatchObject({
      status: 400,
      body: { message: { token_host: [expect.stringContaining('is blocked')] } },
    });
    expect(await change({ url: 'https://b.example' })).toBeNull();
    expect(await change({ url: 'https://c.example', token_host: 'sso.c.test' })).toBe('sso.c.test');
    expect(await change({ token_host: '' })).toBeNull();
    expect(await change({ token_host: 'sso.c.test' })).toBe('sso.c.test');
    expect(await change({ token_host: null })).toBeNull();
  });

  test('the list of a group is searched by name and comes in pages; a subgroup has none', async () => {
    const { api, group, registry } = await start();
    for (const name of ['hub-a', 'hub-b', 'quay']) await api.createUpstream(registry, name);
    const { body, headers } = await api.ask('GET', `${ofGroup(group)}?upstream_name=HUB&per_page=1&page=2`);
    expect(body).toMatchObject([{ name: 'hub-b' }]);
    expect(headers.get('x-total')).toBe('2');
    const sub = {
      parentId: group,
      name: 'sub',
      path: 'sub',
      fullPath: 'platform/sub',
      visibility: 'private',
    } as const;
    const { id } = await api.database.groups.create(sub);
    expect(await api.ask('GET', ofGroup(id))).toMatchObject({
      status: 400,
      body: { message: '400 Bad request - only available on top-level groups.' },
    });
  });

  test('health is what was learnt of the upstream', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub');
    const at = Date.UTC(2026, 0, 2);
    api.health.set(id, {
      breaker: 'open',
      openUntil: at,
      lastSuccessAt: at,
      lastError: { at, message: 'refused the connection' },
      quota: { limit: 100, remaining: 3, windowSeconds: undefined, seenAt: at },
    });
    const instant = '2026-01-02T00:00:00.000Z';
    expect((await api.ask('GET', one(id))).body.health).toEqual({
      breaker: 'open',
      open_until: instant,
      last_error: { at: instant, message: 'refused the connection' },
      last_success: instant,
      quota: { limit: 100, remaining: 3, window_seconds: null, seen_at: instant },
    });
  });

  test('single fields are changed, the others stay', async () => {
    const { api, group, registry } = await start();
    const fields = { username: 'a', password: 'b', description: 'old' };
    const { id } = await api.createUpstream(registry, 'hub', fields);
    clock.now += 1000;
    const patterns = { allow_patterns: ['library/*', '{a,b}/**'], deny_patterns: ['**/secret'] };
    expect(
      await api.ask('PATCH', one(id), { name: 'new', description: '', cache_validity_hours: 0, ...patterns }),
    ).toMatchObject({
      status: 200,
      body: {
        name: 'new',
        description: '',
        cache_validity_hours: 0,
        username: 'a',
        updated_at: new Date(clock.now).toISOString(),
        ...patterns,
      },
    });
    const stored = await api.database.upstreams.find(id);
    expect(stored && api.secrets.open(stored)).toEqual({ username: 'a', password: 'b' });
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('a change that cannot be is refused with the reason', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub');
    const refusals: [object, Json][] = [
      [
        {
          error: expect.stringMatching(
            /^url, name, .* are missing, at least one parameter must be provided$/,
          ),
        },
        {},
      ],
      [{ error: 'name is empty' }, { name: '' }],
      [{ error: 'url is empty' }, { url: '' }],
      [{ error: 'username is empty' }, { username: '' }],
      [{ error: 'password is empty' }, { password: '' }],
      [{ message: { password: ["can't be blank"] } }, { username: 'a' }],
      [{ message: { username: ["can't be blank"] } }, { password: 'a' }],
      [{ message: { url: [expect.stringContaining('10.0.0.1')] } }, { url: 'http://10.0.0.1' }],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('PATCH', one(id), given)).toMatchObject({ status: 400, body });
    }
  });

  test('a deleted upstream leaves every registry, and those behind it move up', async () => {
    const { api, group, registry } = await start();
    const other = await api.createRegistry(group, 'other');
    const first = await api.createUpstream(registry, 'first');
    const second = await api.createUpstream(registry, 'second');
    await api.database.registryUpstreams.append(other, first.id);
    await api.database.registryUpstreams.append(other, second.id);
    expect(await api.ask('DELETE', one(first.id))).toMatchObject({ status: 204 });
    expect((await api.ask('GET', one(second.id))).body.registry_upstreams).toMatchObject([
      { registry_id: registry, position: 1 },
      { registry_id: other, position: 1 },
    ]);
    expect(await api.ask('GET', one(first.id))).toMatchObject({
      status: 404,
      body: { message: '404 Not found' },
    });
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('an upstream that changed since someone looked is not deleted', async () => {
    const { api, registry } = await start();
    const { id } = await api.createUpstream(registry, 'hub');
    const seen = new Date(clock.now).toUTCString();
    clock.now += 60_000;
    await api.ask('PATCH', one(id), { name: 'new' });
    const headers = { 'if-unmodified-since': seen };
    expect(await api.ask('DELETE', one(id), undefined, { headers })).toMatchObject({ status: 412 });
    expect(await api.ask('GET', one(id))).toMatchObject({ status: 200 });
  });

  describe('who may', () => {
    test.each([
      ['guest', 10, false],
      ['developer', 30, false],
      ['maintainer', 40, true],
    ])('a %s', async (name, level, isWriter) => {
      const { api, group, registry } = await start();
      const { id } = await api.createUpstream(registry, 'hub');
      const member = await api.createMember(group, name, level);
      for (const path of [ofGroup(group), ofRegistry(registry), one(id), `${one(id)}/cache_entries`]) {
        expect(await api.as(member, 'GET', path)).toMatchObject({ status: 200 });
      }
      const input = { url: 'https://new.example', name: 'new' };
      const statuses = [
        (await api.as(member, 'POST', ofRegistry(registry), input)).status,
        (await api.as(member, 'PATCH', one(id), { name: 'x' })).status,
        (await api.as(member, 'DELETE', `${one(id)}/cache`)).status,
        (await api.as(member, 'DELETE', one(id))).status,
      ];
      expect(statuses).toEqual(isWriter ? [201, 200, 204, 204] : [403, 403, 403, 403]);
    });

    test('a stranger to a private group is told that there is nothing', async () => {
      const { api, group, registry } = await start();
      const { id } = await api.createUpstream(registry, 'hub');
      const stranger = await api.createUser('stranger');
      for (const path of [ofGroup(group), ofRegistry(registry), one(id), `${one(id)}/cache_entries`]) {
        expect(await api.as(stranger, 'GET', path)).toMatchObject({ status: 404 });
      }
      for (const path of [one(id), `${one(id)}/cache`]) {
        expect(await api.as(stranger, 'DELETE', path)).toMatchObject({ status: 404 });
      }
    });
  });

  test('what does not exist is 404, by number and by name', async () => {
    const { api } = await start();
    for (const [method, path, body] of [
      ['GET', '', undefined],
      ['PATCH', '', { name: 'a' }],
      ['DELETE', '', undefined],
      ['DELETE', '/cache', undefined],
      ['POST', '/test', {}],
      ['GET', '/cache_entries', undefined],
    ] as const) {
      expect(await api.ask(method, one(999) + path, body)).toMatchObject({ status: 404 });
      expect(await api.ask(method, one('x') + path, body)).toMatchObject({ status: 404 });
    }
    expect(await api.ask('GET', ofRegistry(999))).toMatchObject({ status: 404 });
    expect(await api.ask('POST', ofRegistry(999), { url: 'https://a.example', name: 'a' })).toMatchObject({
      status: 404,
    });
    expect(await api.ask('GET', ofGroup('nobody'))).toMatchObject({ status: 404 });
  });
});
