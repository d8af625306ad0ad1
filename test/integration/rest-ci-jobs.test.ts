/** What a CI job may do over the REST API: the endpoints that take jobs, with the rights of the job. */
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const registries = '/groups/acme/-/virtual_registries/container/registries';

describeEachDatabase('a CI job at the REST API', (open, { clock }) => {
  /** A private group with a private project, a virtual registry, and a job token of that project. */
  async function start({ role = 30, userless = false, ...fields }: JobFields = {}) {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('acme');
    const project = await api.createProject(group, 'shop');
    const registry = await api.createRegistry(group, 'base');
    const upstream = await api.createUpstream(registry, 'hub');
    const dana = await api.createUser('dana');
    await api.database.members.create({ projectId: project, userId: dana.id, accessLevel: role });
    const given = { name: 'build 7', ...(!userless && { user_id: dana.id }), ...fields };
    const { body: job } = await api.ask('POST', `/projects/${project}/job_tokens`, given);
    const as = (headers: Record<string, string>, method: string, path: string, body?: Json) =>
      api.ask(method, path, body, { headers: { 'private-token': '', ...headers } });
    const asJob = (method: string, path: string, body?: Json) =>
      as({ 'job-token': job.token }, method, path, body);
    return { api, group, project, registry, upstream, dana, job, as, asJob };
  }

  interface JobFields {
    /** Of the job's user in its project. */
    readonly role?: number;
    readonly userless?: boolean;
    readonly access_level?: number;
    readonly expires_in?: number;
  }

  test('brings its token where GitLab has it: the header JOB-TOKEN, as Bearer, and job_token', async () => {
    const { as, job } = await start();
    const ways: [string, Record<string, string>, string][] = [
      ['JOB-TOKEN', { 'JOB-TOKEN': job.token }, ''],
      ['Job-Token', { 'Job-Token': job.token }, ''],
      ['Bearer', { authorization: `Bearer ${job.token}` }, ''],
      ['query', {}, `?job_token=${job.token}`],
    ];
    for (const [way, headers, query] of ways) {
      expect([way, (await as(headers, 'GET', registries + query)).status]).toEqual([way, 200]);
    }
  });

  test('is nobody where the kinds of tokens are mixed up, or with something that is no token', async () => {
    const { api, as, job, dana } = await start();
    const { body: access } = await api.ask('POST', `/users/${dana.id}/personal_access_tokens`, {
      name: 'mine',
      scopes: ['api'],
    });
    const attempts: [Record<string, string>, string][] = [
      [{ 'private-token': job.token }, ''],
      [{ 'job-token': access.token }, ''],
      [{ 'job-token': 'entj-0123456789' }, ''],
      [{}, `?private_token=${job.token}`],
      [{}, `?access_token=${job.token}`],
      [{}, `?job_token=${access.token}`],
    ];
    for (const [headers, query] of attempts) {
      const { status, body } = await as(headers, 'GET', registries + query);
      expect([headers, query, status]).toEqual([headers, query, 401]);
      expect(body).toEqual({ message: '401 Unauthorized' });
    }
  });

  test('reads the virtual registries that it pulls through, whether by its project or by its user', async () => {
    for (const userless of [false, true]) {
      const { asJob, registry, upstream } = await start({ userless });
      const paths = [
        registries,
        '/groups/acme/-/virtual_registries/container/upstreams',
        `/virtual_registries/container/registries/${registry}`,
        `/virtual_registries/container/registries/${registry}/upstreams`,
        `/virtual_registries/container/upstreams/${upstream.id}`,
        `/virtual_registries/container/upstreams/${upstream.id}/cache_entries`,
      ];
      for (const path of paths) expect([path, (await asJob('GET', path)).status]).toEqual([path, 200]);
    }
  });

  test('changes none of them, even where its user is an Owner', async () => {
    const { api, group, dana, asJob, registry, upstream } = await start({ role: 50 });
    await api.database.members.create({ groupId: group, userId: dana.id, accessLevel: 50 });
    const changes: [string, string, Json?][] = [
      ['POST', registries, { name: 'other' }],
      ['PATCH', `/virtual_registries/container/registries/${registry}`, { name: 'other' }],
      ['DELETE', `/virtual_registries/container/registries/${registry}`],
      ['DELETE', `/virtual_registries/container/registries/${registry}/cache`],
      [
        'POST',
        `/virtual_registries/container/registries/${registry}/upstreams`,
        { name: 'b', url: 'https://b.example' },
      ],
      ['PATCH', `/virtual_registries/container/upstreams/${upstream.id}`, { url: 'https://evil.example' }],
      ['DELETE', `/virtual_registries/container/upstreams/${upstream.id}`],
      ['POST', `/virtual_registries/container/upstreams/${upstream.id}/test`],
      [
        'PATCH',
        `/virtual_registries/container/registry_upstreams/${upstream.registry_upstream.id}`,
        { position: 1 },
      ],
    ];
    const message =
      '403 Forbidden - a CI job token reads, and changes the registry of its own project where its role allows it';
    for (const [method, path, body] of changes) {
      const answer = await asJob(method, path, body);
      expect([method, path, answer.status, answer.body]).toEqual([method, path, 403, { message }]);
    }
    expect((await asJob('GET', registries)).body).toHaveLength(1);
  });

  test('does not know of a private group in which neither its project is nor its user', async () => {
    const { api, asJob } = await start();
    const registry = await api.createRegistry(await api.createGroup('other'), 'theirs');
    const theirs = `/virtual_registries/container/registries/${registry}`;
    expect(await asJob('GET', theirs)).toMatchObject({ status: 404, body: { message: '404 Not found' } });
    expect(await asJob('DELETE', theirs)).toMatchObject({ status: 404 });
    const ofGroup = '/groups/other/-/virtual_registries/container/registries';
    const unknown = '/groups/nowhere/-/virtual_registries/container/registries';
    const { status, body } = await asJob('GET', unknown);
    expect(await asJob('GET', ofGroup)).toMatchObject({ status, body });
    expect({ status, body }).toEqual({ status: 404, body: { message: '404 Group Not Found' } });
  });

  test('is nobody at an endpoint that takes no jobs', async () => {
    const { asJob, project } = await start({ role: 50 });
    const others: [string, string, Json?][] = [
      ['GET', '/user'],
      ['GET', '/groups'],
      ['GET', `/projects/${project}`],
      ['PUT', `/projects/${project}`, { visibility: 'public' }],
      ['POST', `/projects/${project}/job_tokens`, { name: 'another' }],
      ['GET', `/projects/${project}/members`],
      ['POST', '/user/personal_access_tokens', { name: 'kept', scopes: ['api'] }],
    ];
    for (const [method, path, body] of others) {
      const answer = await asJob(method, path, body);
      expect([method, path, answer.status]).toEqual([method, path, 401]);
      expect(answer.body).toEqual({ message: '401 Unauthorized' });
    }
  });

  test('ends with its token and with its user', async () => {
    const expired = await start({ expires_in: 60 });
    clock.now += 61_000;
    expect(await expired.asJob('GET', registries)).toMatchObject({
      status: 401,
      body: {
        error: 'invalid_token',
        error_description: 'Token is expired. You can either do re-authorization or token refresh.',
      },
    });

    const revoked = await start();
    await revoked.api.ask('DELETE', `/projects/${revoked.project}/job_tokens/${revoked.job.id}`);
    clock.now += 1000;
    expect(await revoked.asJob('GET', registries)).toMatchObject({
      status: 401,
      body: {
        error: 'invalid_token',
        error_description: 'Token was revoked. You have to re-authorize from the user.',
      },
    });

    const blocked = await start();
    await blocked.api.ask('POST', `/users/${blocked.dana.id}/block`);
    clock.now += 1000;
    expect(await blocked.asJob('GET', registries)).toMatchObject({ status: 403 });
  });
});

describeEachDatabase('a member of a project', (open, { clock }) => {
  test('reads the virtual registries of the group around it, and changes none', async () => {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('acme');
    const registry = await api.createRegistry(group, 'base');
    const upstream = await api.createUpstream(registry, 'hub');
    const deep = await api.createGroup('web', 'private', group);
    const project = await api.createProject(deep, 'shop');
    const guest = await api.createUser('guest');
    const one = `/virtual_registries/container/upstreams/${upstream.id}`;
    expect((await api.as(guest, 'GET', registries)).status).toBe(404);
    expect((await api.as(guest, 'GET', one)).status).toBe(404);
    await api.database.members.create({ projectId: project, userId: guest.id, accessLevel: 10 });
    expect((await api.as(guest, 'GET', registries)).body).toHaveLength(1);
    expect((await api.as(guest, 'GET', one)).status).toBe(200);
    expect((await api.as(guest, 'DELETE', one)).status).toBe(403);
    const bot = await api.ask('POST', `/projects/${project}/access_tokens`, {
      name: 'bot',
      scopes: ['api'],
      access_level: 40,
    });
    expect(
      (await api.ask('GET', registries, undefined, { headers: { 'private-token': bot.body.token } })).status,
    ).toBe(404);
  });
});
