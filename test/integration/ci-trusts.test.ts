import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const levels = { guest: 10, reporter: 20, developer: 30, maintainer: 40, owner: 50 };
const hour = 3_600_000;
const forbidden = { status: 403, body: { message: '403 Forbidden' } };
const gitlab = {
  name: 'GitLab CI',
  issuer: 'https://gitlab.com',
  audience: 'https://registry.example',
  claims: { project_path: 'acme/shop', ref_protected: 'true' },
};

describeEachDatabase('trusts of CI systems', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const path = `/projects/${shop}/ci_trusts`;
    const invalid = async (fields: Json) => {
      const { status, body } = await api.ask('POST', path, { ...gitlab, ...fields });
      return { status, faults: body.message };
    };
    return { api, acme, shop, path, invalid };
  }

  test('are made, listed and removed', async () => {
    const { api, shop, path } = await start();
    const created = await api.ask('POST', path, gitlab);
    expect(created.status).toBe(201);
    expect(created.body).toEqual({
      id: expect.any(Number),
      project_id: shop,
      ...gitlab,
      jwks_url: null,
      access_level: 30,
      created_at: new Date(clock.now).toISOString(),
    });
    const named = { ...gitlab, jwks_url: 'https://gitlab.com/oauth/discovery/keys', access_level: 20 };
    const second = await api.ask('POST', '/projects/acme%2Fshop/ci_trusts', named);
    expect(second.body).toMatchObject({ jwks_url: named.jwks_url, access_level: 20 });
    const listed = await api.ask('GET', path);
    expect(listed.body).toEqual([created.body, second.body]);
    expect(listed.headers.get('x-total')).toBe('2');
    expect((await api.ask('DELETE', `${path}/${created.body.id}`)).status).toBe(204);
    expect((await api.ask('DELETE', `${path}/${created.body.id}`)).status).toBe(404);
    expect((await api.ask('GET', path)).body).toEqual([second.body]);
    const { records } = await api.database.auditEvents.list({}, { page: 1, perPage: 3 });
    expect(records.map(({ action }) => action)).toEqual([
      'ci_trust.delete',
      'ci_trust.create',
      'ci_trust.create',
    ]);
  });

  test('are for Maintainers of the project, up to their own role', async () => {
    const { api, acme, path } = await start();
    const trust = await api.ask('POST', path, gitlab);
    for (const [role, level] of Object.entries(levels)) {
      const member = await api.createMember(acme, role, level);
      const isMaintainer = level >= levels.maintainer;
      const answers = [
        await api.as(member, 'GET', path),
        await api.as(member, 'POST', path, { ...gitlab, access_level: Math.min(level, 40) }),
        await api.as(member, 'POST', path, { ...gitlab, access_level: 50 }),
      ];
      expect(answers.map(({ status }) => status)).toEqual([
        isMaintainer ? 200 : 403,
        isMaintainer ? 201 : 403,
        level >= levels.owner ? 201 : 403,
      ]);
      if (!isMaintainer) {
        expect(await api.as(member, 'DELETE', `${path}/${trust.body.id}`)).toMatchObject(forbidden);
      }
    }
    const stranger = await api.createUser('stranger');
    expect((await api.as(stranger, 'GET', path)).body).toEqual({ message: '404 Project Not Found' });
  });

  test('of one project are not those of another', async () => {
    const { api, acme, path } = await start();
    const { body } = await api.ask('POST', path, gitlab);
    const other = await api.createProject(acme, 'other');
    expect((await api.ask('GET', `/projects/${other}/ci_trusts`)).body).toEqual([]);
    expect((await api.ask('DELETE', `/projects/${other}/ci_trusts/${body.id}`)).status).toBe(404);
  });

  test('name an issuer that nobody can stand in for', async () => {
    const { invalid } = await start();
    const faults = async (issuer: string) => (await invalid({ issuer })).faults;
    expect(await faults('http://gitlab.example')).toEqual({
      issuer: ['is blocked: Only allowed schemes are https'],
    });
    expect(await faults('gitlab')).toEqual({ issuer: ['must be a valid URL'] });
    expect(await faults('https://user:secret@gitlab.example')).toEqual({
      issuer: ['must not have credentials'],
    });
    expect(await faults('https://gitlab.example?x')).toEqual({ issuer: ['must not have a query'] });
    expect(await faults('https://gitlab.example#x')).toEqual({ issuer: ['must not have a fragment'] });
    expect(await faults('https://10.1.2.3')).toEqual({
      issuer: [expect.stringContaining('is blocked: address 10.1.2.3 is in a private network')],
    });
    expect((await invalid({ jwks_url: 'http://keys.example/jwks' })).faults).toEqual({
      jwks_url: ['is blocked: Only allowed schemes are https'],
    });
    expect((await invalid({ jwks_url: 'https://169.254.169.254/jwks' })).faults).toEqual({
      jwks_url: [expect.stringContaining('is blocked: address 169.254.169.254 is not a public address')],
    });
  });

  test('may name one on this machine over http, where networks allow it', async () => {
    const { api, path, invalid } = await start();
    const issuer = 'http://127.0.0.1:9000';
    expect((await invalid({ issuer })).faults).toEqual({
      issuer: [expect.stringContaining('address 127.0.0.1')],
    });
    api.allowedNetworks.push('127.0.0.0/8');
    expect((await api.ask('POST', path, { ...gitlab, issuer })).status).toBe(201);
    expect((await api.ask('POST', path, { ...gitlab, issuer: 'http://localhost:9000' })).status).toBe(201);
  });

  test.each([
    ['none at all', {}],
    ['a public issuer’s, of nobody in particular', { ref_protected: 'true' }],
    ['a public issuer’s, of anybody', { project_path: '**' }],
    ['a public issuer’s, of whoever takes a name that begins so', { project_path: 'acme*' }],
  ])('must say whose jobs are meant: not %s', async (_what, claims) => {
    const { invalid } = await start();
    const { status, faults } = await invalid({ claims });
    expect({ status, names: Object.keys(faults) }).toEqual({ status: 400, names: ['claims'] });
  });

  test('take what an own issuer says as it is, as long as it says something', async () => {
    const { api, path, invalid } = await start();
    const issuer = 'https://gitlab.acme.example';
    expect(
      (await api.ask('POST', path, { ...gitlab, issuer, claims: { ref_protected: 'true' } })).status,
    ).toBe(201);
    expect((await invalid({ issuer, claims: { ref: '*' } })).status).toBe(400);
  });

  test.each([
    ['name', undefined, 'name is missing'],
    ['audience', '', 'audience is empty'],
    ['claims', undefined, 'claims is missing'],
    ['claims', 'acme/*', 'claims is invalid'],
    ['claims', { ref: ['main'] }, 'claims[ref] is invalid'],
    ['access_level', 35, 'access_level does not have a valid value'],
  ])('need a good %s', async (name, value, error) => {
    const { api, path } = await start();
    const answer = await api.ask('POST', path, { ...gitlab, [name]: value });
    expect(answer).toMatchObject({ status: 400, body: { error } });
  });

  test('go with their project', async () => {
    const { api, shop, path } = await start();
    await api.ask('POST', path, gitlab);
    expect((await api.ask('DELETE', `/projects/${shop}`)).status).toBeLessThan(300);
    expect(await api.database.oidcTrusts.listByIssuer(gitlab.issuer)).toEqual([]);
  });
});

describeEachDatabase('job tokens', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const dana = await api.createMember(acme, 'dana', levels.developer);
    return { api, acme, shop, dana, path: `/projects/${shop}/job_tokens` };
  }

  test('are made for oneself, shown once, and revoked', async () => {
    const { api, shop, dana, path } = await start();
    const created = await api.as(dana, 'POST', path, { name: 'build 7', expires_in: 600 });
    expect(created.status).toBe(201);
    const { token, ...shown } = created.body;
    expect(token).toMatch(/^entj-[\w-]{32}$/);
    expect(shown).toEqual({
      id: expect.any(Number),
      project_id: shop,
      user_id: dana.id,
      name: 'build 7',
      access_level: 30,
      created_at: new Date(clock.now).toISOString(),
      expires_at: new Date(clock.now + 600_000).toISOString(),
    });
    expect((await api.ask('GET', path)).body).toEqual([shown]);
    expect((await api.as(dana, 'DELETE', `${path}/${shown.id}`)).status).toBe(204);
    expect((await api.ask('GET', path)).body).toEqual([]);
    const { records } = await api.database.auditEvents.list({}, { page: 1, perPage: 50 });
    expect(JSON.stringify(records)).not.toContain(token);
    expect(records.slice(0, 2).map(({ action }) => action)).toEqual(['job_token.revoke', 'job_token.create']);
  });

  test('last an hour, or as long as asked for up to a day', async () => {
    const { api, dana, path } = await start();
    const created = await api.as(dana, 'POST', path, { name: 'build' });
    expect(created.body.expires_at).toBe(new Date(clock.now + hour).toISOString());
    expect((await api.as(dana, 'POST', path, { name: 'build', expires_in: 86_400 })).status).toBe(201);
    for (const expires_in of [0, 86_401, 'soon']) {
      expect((await api.as(dana, 'POST', path, { name: 'build', expires_in })).status).toBe(400);
    }
  });

  test('are for Developers, up to their own role', async () => {
    const { api, acme, path, dana } = await start();
    for (const [role, level] of Object.entries(levels)) {
      const member = await api.createMember(acme, role, level);
      const isDeveloper = level >= levels.developer;
      const own = await api.as(member, 'POST', path, { name: 'build' });
      expect(own.status).toBe(isDeveloper ? 201 : 403);
      if (isDeveloper) expect(own.body.access_level).toBe(level);
      const less = await api.as(member, 'POST', path, { name: 'build', access_level: 20 });
      expect(less.status).toBe(isDeveloper ? 201 : 403);
    }
    expect(await api.as(dana, 'POST', path, { name: 'build', access_level: 40 })).toMatchObject({
      status: 400,
      body: { message: { access_level: ['is above the role of the user in this project'] } },
    });
  });

  test('are made for others by administrators alone, and for members alone', async () => {
    const { api, acme, dana, path } = await start();
    const olga = await api.createMember(acme, 'olga', levels.owner);
    const fields = { name: 'build', user_id: dana.id };
    expect((await api.as(olga, 'POST', path, fields)).status).toBe(403);
    expect((await api.ask('POST', path, fields)).body).toMatchObject({ user_id: dana.id, access_level: 30 });
    const stranger = await api.createUser('stranger');
    expect(await api.ask('POST', path, { ...fields, user_id: stranger.id })).toMatchObject({
      status: 400,
      body: { message: { user_id: ['has no role in this project: a job needs one'] } },
    });
    await api.database.users.update(dana.id, { state: 'blocked' });
    expect((await api.ask('POST', path, fields)).status).toBe(404);
  });

  test('of administrators without a role are nobody’s, so that no job is an administrator', async () => {
    const { api, path } = await start();
    const admin = await api.createUser('admin', { isAdmin: true });
    const { body } = await api.as(admin, 'POST', path, { name: 'build' });
    expect(body).toMatchObject({ user_id: null, access_level: 30 });
  });

  test('of others are revoked by Maintainers', async () => {
    const { api, acme, dana, path } = await start();
    const { body } = await api.as(dana, 'POST', path, { name: 'build' });
    const dora = await api.createMember(acme, 'dora', levels.developer);
    const mona = await api.createMember(acme, 'mona', levels.maintainer);
    expect((await api.as(dora, 'DELETE', `${path}/${body.id}`)).status).toBe(404);
    expect((await api.as(dora, 'GET', path)).status).toBe(403);
    expect((await api.as(mona, 'DELETE', `${path}/${body.id}`)).status).toBe(204);
    const other = await api.createProject(acme, 'other');
    expect((await api.as(mona, 'DELETE', `/projects/${other}/job_tokens/${body.id}`)).status).toBe(404);
  });

  test('are cleared away a day after their end, when new ones are made', async () => {
    const { api, dana, path } = await start();
    const { body } = await api.as(dana, 'POST', path, { name: 'build' });
    const before = clock.now;
    clock.now += 2 * hour;
    await api.as(dana, 'POST', path, { name: 'build' });
    expect(await api.database.jobTokens.find(body.id)).toBeDefined();
    clock.now += 24 * hour;
    await api.as(dana, 'POST', path, { name: 'build' });
    expect(await api.database.jobTokens.find(body.id)).toBeUndefined();
    clock.now = before;
  });
});
