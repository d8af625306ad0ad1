import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi, type TestUser } from '../support/rest-api.ts';

const policyOf = (group: number | string) => `/groups/${group}/-/virtual_registries/cleanup/policy`;
const levels = { guest: 10, maintainer: 40, owner: 50 };

describeEachDatabase('the cleanup policy of virtual registries', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  test('has the fields, the defaults and the statuses that GitLab has', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const before = await api.ask('GET', policyOf(group));
    expect([before.status, before.body]).toEqual([404, { message: '404 Not found' }]);
    const created = await api.ask('POST', policyOf(group), {});
    const policy = {
      group_id: group,
      next_run_at: '2026-01-08T00:00:00.000Z',
      last_run_at: null,
      last_run_deleted_size: 0,
      last_run_deleted_entries_count: 0,
      keep_n_days_after_download: 30,
      status: 'scheduled',
      cadence: 7,
      enabled: false,
      failure_message: null,
      last_run_detailed_metrics: {},
      notify_on_success: false,
      notify_on_failure: false,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
    };
    expect([created.status, created.body]).toEqual([201, policy]);
    // By number and by path.
    for (const name of [group, 'platform'])
      expect((await api.ask('GET', policyOf(name))).body).toEqual(policy);
    clock.now += 1000;
    const given = {
      enabled: true,
      cadence: 90,
      keep_n_days_after_download: 365,
      notify_on_success: true,
      notify_on_failure: true,
    };
    const changed = await api.ask('PATCH', policyOf('platform'), given);
    const after = {
      ...policy,
      ...given,
      next_run_at: '2026-04-01T00:00:01.000Z',
      updated_at: '2026-01-01T00:00:01.000Z',
    };
    expect([changed.status, changed.body]).toEqual([200, after]);
    const kept = await api.ask('PATCH', policyOf(group), { keep_n_days_after_download: '1' });
    expect(kept.body).toMatchObject({
      ...given,
      keep_n_days_after_download: 1,
      next_run_at: after.next_run_at,
    });
    expect((await api.ask('DELETE', policyOf(group))).status).toBe(204);
    for (const method of ['GET', 'DELETE']) expect((await api.ask(method, policyOf(group))).status).toBe(404);
    expect((await api.ask('PATCH', policyOf(group), { enabled: true })).status).toBe(404);
    clock.now -= 1000;
  });

  test('refuses what it cannot be with the words that GitLab has', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const invalid: [string, Json][] = [
      ['cadence does not have a valid value', { cadence: 5 }],
      ['cadence does not have a valid value', { cadence: 'weekly' }],
      ['keep_n_days_after_download does not have a valid value', { keep_n_days_after_download: 0 }],
      ['keep_n_days_after_download does not have a valid value', { keep_n_days_after_download: 366 }],
      ['enabled is empty', { enabled: null }],
      ['enabled is empty', { enabled: '' }],
      ['enabled is invalid', { enabled: 'perhaps' }],
      ['notify_on_success is empty', { notify_on_success: null }],
    ];
    for (const [error, given] of invalid) {
      const answer = await api.ask('POST', policyOf(group), given);
      expect([answer.status, answer.body]).toEqual([400, { error }]);
    }
    await api.ask('POST', policyOf(group), {});
    const second = await api.ask('POST', policyOf(group), {});
    expect([second.status, second.body]).toEqual([400, { message: { group: ['has already been taken'] } }]);
    const nothing = await api.ask('PATCH', policyOf(group), {});
    expect([nothing.status, nothing.body]).toEqual([
      400,
      {
        error:
          'enabled, cadence, keep_n_days_after_download, notify_on_success, notify_on_failure are missing, at least one parameter must be provided',
      },
    ]);
  });

  test('is for Owners of a top-level group, whatever the verb, and leaves audit events', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const { id: subgroup } = (
      await api.ask('POST', '/groups', { name: 'sub', path: 'sub', parent_id: group })
    ).body;
    const stranger = await api.createUser('stranger');
    const maintainer = await api.createMember(group, 'maintainer', levels.maintainer);
    const owner = await api.createMember(group, 'owner', levels.owner);
    const statuses = async (user: TestUser, id: number) => {
      const answers = [
        await api.as(user, 'GET', policyOf(id)),
        await api.as(user, 'POST', policyOf(id), {}),
        await api.as(user, 'PATCH', policyOf(id), { enabled: true }),
        await api.as(user, 'DELETE', policyOf(id)),
      ];
      return answers.map(({ status }) => status);
    };
    expect(await statuses(stranger, group)).toEqual([404, 404, 404, 404]);
    expect(await statuses(maintainer, group)).toEqual([403, 403, 403, 403]);
    expect(await statuses(owner, subgroup)).toEqual([403, 403, 403, 403]);
    expect(await statuses(owner, group)).toEqual([404, 201, 200, 204]);
    expect((await api.ask('GET', policyOf(999))).body).toEqual({ message: '404 Group Not Found' });
    const events = await api.ask('GET', `/groups/${group}/audit_events`);
    const actions = (events.body as { action?: string; event_name?: string }[]).map(
      (event) => event.action ?? event.event_name,
    );
    expect(actions.slice(0, 3)).toEqual([
      'cache_cleanup_policy.delete',
      'cache_cleanup_policy.update',
      'cache_cleanup_policy.create',
    ]);
  });
});
