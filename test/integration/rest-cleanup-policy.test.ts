import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const dayMs = 24 * 60 * 60 * 1000;
const defaults = {
  cadence: '1d',
  enabled: false,
  keep_n: 10,
  older_than: '90d',
  name_regex: '.*',
  name_regex_keep: null,
  not_pulled_for: null,
  repository_regex: null,
  next_run_at: null,
};

describeEachDatabase('the cleanup policy of a project', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const shop = await api.createProject(acme, 'shop');
    const set = (policy: Json) =>
      api.ask('PUT', `/projects/${shop}`, { container_expiration_policy_attributes: policy });
    return { api, acme, shop, set };
  }

  test('is disabled until someone says otherwise', async () => {
    const { api, shop } = await start();
    const { body } = await api.ask('GET', `/projects/${shop}`);
    expect(body.container_expiration_policy).toEqual(defaults);
    expect((await api.ask('GET', '/projects')).body[0].container_expiration_policy).toEqual(defaults);
  });

  test('is set with the project, and changed attribute by attribute', async () => {
    const { api, acme, set } = await start();
    const attributes = {
      enabled: true,
      cadence: '7d',
      keep_n: 5,
      older_than: '14d',
      name_regex: 'dev-.*',
      name_regex_keep: 'v.+',
      not_pulled_for: '60d',
      repository_regex: 'web|tools/.*',
    };
    const created = await api.ask('POST', '/projects', {
      path: 'tools',
      namespace_id: acme,
      container_expiration_policy_attributes: attributes,
    });
    const next = new Date(clock.now + 7 * dayMs).toISOString();
    expect(created.body.container_expiration_policy).toEqual({ ...attributes, next_run_at: next });

    await set(attributes);
    const { status, body } = await set({
      keep_n: null,
      older_than: '',
      cadence: '1month',
      not_pulled_for: null,
      repository_regex: '',
    });
    expect(status).toBe(200);
    expect(body.container_expiration_policy).toEqual({
      ...attributes,
      keep_n: null,
      older_than: null,
      not_pulled_for: null,
      repository_regex: null,
      cadence: '1month',
      next_run_at: new Date(clock.now + 30 * dayMs).toISOString(),
    });
  });

  test('counts its next run from the last change', async () => {
    const { set } = await start();
    await set({ enabled: true });
    clock.now += dayMs / 2;
    const { body } = await set({ enabled: true });
    expect(body.container_expiration_policy.next_run_at).toBe(new Date(clock.now + dayMs).toISOString());
  });

  test('takes name_regex_delete for name_regex, and forms as well as JSON', async () => {
    const { api, shop, set } = await start();
    expect((await set({ name_regex_delete: 'dev' })).body.container_expiration_policy.name_regex).toBe('dev');
    const form = new URLSearchParams({
      'container_expiration_policy_attributes[cadence]': '3month',
      'container_expiration_policy_attributes[enabled]': 'true',
      'container_expiration_policy_attributes[keep_n]': '50',
      'container_expiration_policy_attributes[older_than]': '60d',
    });
    const { body } = await api.ask('PUT', `/projects/${shop}`, undefined, { body: form });
    expect(body.container_expiration_policy).toMatchObject({
      cadence: '3month',
      enabled: true,
      keep_n: 50,
      older_than: '60d',
      name_regex: 'dev',
    });
  });

  test.each<[Json, object]>([
    [
      { cadence: '2d' },
      { error: 'container_expiration_policy_attributes[cadence] does not have a valid value' },
    ],
    [{ keep_n: 3 }, { error: 'container_expiration_policy_attributes[keep_n] does not have a valid value' }],
    [
      { older_than: '1d' },
      { error: 'container_expiration_policy_attributes[older_than] does not have a valid value' },
    ],
    [
      { not_pulled_for: '1d' },
      { error: 'container_expiration_policy_attributes[not_pulled_for] does not have a valid value' },
    ],
    [
      { repository_regex: '*' },
      {
        message: {
          'container_expiration_policy.repository_regex': [expect.stringContaining('not valid RE2')],
        },
      },
    ],
    [{ enabled: 'maybe' }, { error: 'container_expiration_policy_attributes[enabled] is invalid' }],
    [
      { enabled: true, name_regex: '' },
      { message: { 'container_expiration_policy.name_regex': ["can't be blank"] } },
    ],
    [
      { name_regex: '*' },
      {
        message: {
          'container_expiration_policy.name_regex': [expect.stringMatching(/^not valid RE2 syntax: ./)],
        },
      },
    ],
    [
      { name_regex_keep: '(' },
      {
        message: {
          'container_expiration_policy.name_regex_keep': [expect.stringMatching(/^not valid RE2 syntax: ./)],
        },
      },
    ],
    [
      { name_regex: 'a'.repeat(256) },
      {
        message: {
          'container_expiration_policy_attributes[name_regex]': ['is too long (maximum is 255 characters)'],
        },
      },
    ],
  ])('refuses %j', async (policy, body) => {
    const { api, shop, set } = await start();
    expect(await set(policy)).toMatchObject({ status: 400, body });
    const project = await api.ask('GET', `/projects/${shop}`);
    expect(project.body.container_expiration_policy).toEqual(defaults);
  });

  test('is for Maintainers to change, and leaves an audit event', async () => {
    const { api, acme, shop, set } = await start();
    const developer = await api.createMember(acme, 'dora', 30);
    const change = { container_expiration_policy_attributes: { enabled: true } };
    expect((await api.as(developer, 'PUT', `/projects/${shop}`, change)).status).toBe(403);
    const maintainer = await api.createMember(acme, 'max', 40);
    expect((await api.as(maintainer, 'PUT', `/projects/${shop}`, change)).status).toBe(200);
    const [event] = (await api.ask('GET', '/audit_events')).body;
    expect(event).toMatchObject({
      event_name: 'project.update',
      details: { attributes: { cleanup_policy: { enabled: true, cadence: '1d' } } },
    });
    await set({ enabled: false });
  });
});
