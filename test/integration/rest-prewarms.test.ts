import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi, type TestUser } from '../support/rest-api.ts';

const levels = { guest: 10, developer: 30, maintainer: 40 };
const pathOf = (registry: number) => `/virtual_registries/container/registries/${registry}`;

describeEachDatabase('images that are to be fetched ahead', (open, { clock }) => {
  const start = async () => {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    return { api, group, registry, path: pathOf(registry) };
  };

  test('are named as people write them, each once, and wake the task', async () => {
    const { api, registry, path } = await start();
    const digest = `sha256:${'a'.repeat(64)}`;
    const images = ['library/alpine', 'library/alpine:latest', `team/app:v1@${digest}`];
    const made = await api.ask('POST', `${path}/prewarm`, {
      images,
      platforms: ['linux/amd64', 'linux/arm/v7', 'linux/amd64'],
      every_hours: 12,
    });
    const body = {
      id: expect.any(Number),
      registry_id: registry,
      platforms: ['linux/amd64', 'linux/arm/v7'],
      every_hours: 12,
      waiting: 2,
      done: 0,
      failed: 0,
      bytes: 0,
      created_at: '2026-01-01T00:00:00.000Z',
      started_at: '2026-01-01T00:00:00.000Z',
      ended_at: null,
      next_run_at: '2026-01-01T12:00:00.000Z',
    };
    const waits = {
      status: 'waiting',
      reason: null,
      bytes: 0,
      due_at: '2026-01-01T00:00:00.000Z',
      ended_at: null,
    };
    const detailed = {
      ...body,
      images: [
        { image: 'library/alpine:latest', ...waits },
        { image: `team/app@${digest}`, ...waits },
      ],
    };
    expect([made.status, made.body]).toEqual([201, detailed]);
    expect(api.woken).toEqual(['cache.prewarm']);
    const once = await api.ask('POST', `${path}/prewarm`, {
      images: 'a:1,b:2',
      platforms: null,
      every_hours: '',
    });
    expect(once.body).toMatchObject({ waiting: 2, platforms: [], every_hours: null, next_run_at: null });
    expect((await api.ask('GET', `${path}/prewarms/${made.body.id}`)).body).toEqual(detailed);
    expect((await api.ask('GET', `${path}/prewarms`)).body).toEqual([
      expect.objectContaining({ id: once.body.id }),
      { ...body, id: made.body.id },
    ]);
    expect((await api.ask('DELETE', `${path}/prewarms/${once.body.id}`)).status).toBe(204);
    for (const method of ['GET', 'DELETE'])
      expect((await api.ask(method, `${path}/prewarms/${once.body.id}`)).status).toBe(404);
  });

  test('are refused with what is wrong with them', async () => {
    const { api, path } = await start();
    const refused: [string, Json][] = [
      ['images is missing', {}],
      ['images is empty', { images: [] }],
      ['platforms is not a list such as linux/amd64,linux/arm64', { images: ['a'], platforms: ['amd64'] }],
      ['every_hours is invalid', { images: ['a'], every_hours: '0 3 * * *' }],
    ];
    for (const [error, given] of refused) {
      const answer = await api.ask('POST', `${path}/prewarm`, given);
      expect([answer.status, answer.body]).toEqual([400, { error }]);
    }
    for (const [every_hours, fault] of [
      [0, 'must be greater than or equal to 1'],
      [8785, 'must be less than or equal to 8784'],
    ])
      expect((await api.ask('POST', `${path}/prewarm`, { images: ['a'], every_hours })).body).toEqual({
        message: { every_hours: [fault] },
      });
    const many = Array.from({ length: 1001 }, (_, number) => `a:${number}`);
    expect((await api.ask('POST', `${path}/prewarm`, { images: many })).body).toEqual({
      message: { images: ['is too long (maximum is 1000 elements)'] },
    });
    const named = await api.ask('POST', `${path}/prewarm`, { images: ['a:1', 'Not/An Image'] });
    expect([named.status, JSON.stringify(named.body)]).toEqual([
      400,
      expect.stringContaining("'Not/An Image' is not a repository name"),
    ]);
    expect((await api.ask('GET', `${path}/prewarms`)).body).toEqual([]);
    expect(api.woken).toEqual([]);
  });

  test('are for Maintainers to ask for and to cancel, for all who pull to see, and leave audit events', async () => {
    const { api, group, path } = await start();
    const stranger = await api.createUser('stranger');
    const guest = await api.createMember(group, 'guest', levels.guest);
    const developer = await api.createMember(group, 'developer', levels.developer);
    const maintainer = await api.createMember(group, 'maintainer', levels.maintainer);
    const { id } = (await api.ask('POST', `${path}/prewarm`, { images: ['a:1'] })).body;
    const statuses = async (user: TestUser) => [
      (await api.as(user, 'GET', `${path}/prewarms`)).status,
      (await api.as(user, 'GET', `${path}/prewarms/${id}`)).status,
      (await api.as(user, 'POST', `${path}/prewarm`, { images: ['a:2'] })).status,
      (await api.as(user, 'DELETE', `${path}/prewarms/${id}`)).status,
    ];
    expect(await statuses(stranger)).toEqual([404, 404, 404, 404]);
    expect(await statuses(guest)).toEqual([200, 200, 403, 403]);
    expect(await statuses(developer)).toEqual([200, 200, 403, 403]);
    expect(await statuses(maintainer)).toEqual([200, 200, 201, 204]);
    const events = (await api.ask('GET', `/groups/${group}/audit_events`)).body as { event_name: string }[];
    const names = events.map(({ event_name }) => event_name).filter((name) => name.startsWith('prewarm'));
    expect(names).toEqual(['prewarm.delete', 'prewarm.create', 'prewarm.create']);
  });

  test('of another virtual registry are none of this one', async () => {
    const { api, group, path } = await start();
    const other = pathOf(await api.createRegistry(group, 'other'));
    const { id } = (await api.ask('POST', `${path}/prewarm`, { images: ['a:1'] })).body;
    for (const method of ['GET', 'DELETE'])
      expect((await api.ask(method, `${other}/prewarms/${id}`)).status).toBe(404);
    expect((await api.ask('GET', `${other}/prewarms`)).body).toEqual([]);
  });

  test('give way once they are over where there are very many, and are refused where none is', async () => {
    const { api, registry, path } = await start();
    for (let index = 0; index < 100; index += 1)
      await api.database.prewarms.create({ registryId: registry, platforms: [] }, ['a:1']);
    const full = await api.ask('POST', `${path}/prewarm`, { images: ['a:2'] });
    expect(full.body).toEqual({
      message: { base: ['100 pre-warms is the maximum allowed per virtual registry: delete one.'] },
    });
    const all = await api.database.prewarms.list(registry);
    const over = all.slice(50, 52);
    for (const { id } of over) await api.database.prewarms.stop(id, 'enough');
    expect((await api.ask('POST', `${path}/prewarm`, { images: ['a:2'] })).status).toBe(201);
    const ids = (await api.database.prewarms.list(registry)).map(({ id }) => id);
    expect(ids).toHaveLength(100);
    expect(ids).not.toContain(over[1]?.id);
    expect(ids).toContain(over[0]?.id);
  });
});
