import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const all = '/virtual_registries/container/registry_upstreams';

describeEachDatabase('the upstreams of a virtual registry', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const other = await api.createRegistry(group, 'other');
    const order = async (id: number): Promise<number[]> => {
      const { body } = await api.ask('GET', `/virtual_registries/container/registries/${id}`);
      const links: { position: number; upstream_id: number }[] = body.registry_upstreams;
      expect(links.map(({ position }) => position)).toEqual(links.map((_, index) => index + 1));
      return links.map(({ upstream_id: id }) => id);
    };
    return { api, group, registry, other, order };
  }

  test('a shared upstream comes last', async () => {
    const { api, group, registry, other } = await start();
    await api.createUpstream(other, 'first');
    const shared = await api.createUpstream(registry, 'shared');
    const { status, body } = await api.ask('POST', all, { registry_id: other, upstream_id: shared.id });
    expect({ status, body }).toEqual({
      status: 201,
      body: { id: expect.any(Number), registry_id: other, upstream_id: shared.id, position: 2 },
    });
    expect(api.forgotten.at(-1)).toBe(group);
    expect(await api.ask('POST', all, { registry_id: other, upstream_id: shared.id })).toMatchObject({
      status: 400,
      body: { message: { upstream_id: ['has already been taken'] } },
    });
  });

  test('there are at most five', async () => {
    const { api, registry, other } = await start();
    for (const name of ['a', 'b', 'c', 'd', 'e']) await api.createUpstream(other, name);
    const sixth = await api.createUpstream(registry, 'sixth');
    expect(await api.ask('POST', all, { registry_id: other, upstream_id: sixth.id })).toMatchObject({
      status: 400,
      body: {
        message: { position: ['must be less than or equal to 5', 'a virtual registry takes 5 upstreams'] },
      },
    });
  });

  test('registry and upstream must exist, in one group', async () => {
    const { api, registry } = await start();
    const elsewhere = await api.createRegistry(await api.createGroup('elsewhere'), 'base');
    const own = await api.createUpstream(registry, 'own');
    const foreign = await api.createUpstream(elsewhere, 'foreign');
    const missing = { status: 404, body: { message: '404 Upstream Not Found' } };
    expect(await api.ask('POST', all, { registry_id: registry, upstream_id: 999 })).toMatchObject(missing);
    expect(await api.ask('POST', all, { registry_id: registry, upstream_id: foreign.id })).toMatchObject(
      missing,
    );
    expect(await api.ask('POST', all, { registry_id: 999, upstream_id: own.id })).toMatchObject({
      status: 404,
    });
    expect(await api.ask('POST', all, { registry_id: 'x' })).toMatchObject({
      status: 400,
      body: { error: 'upstream_id is missing' },
    });
  });

  test.each([
    [1, 'c a b'],
    [2, 'a c b'],
    [20, 'a b c'],
  ])('the last of three moved to %i: %s', async (position, expected) => {
    const { api, registry, order } = await start();
    const created = { a: 0, b: 0, c: 0 };
    let last = 0;
    for (const name of ['a', 'b', 'c'] as const) {
      const upstream = await api.createUpstream(registry, name);
      created[name] = upstream.id;
      last = upstream.registry_upstream.id;
    }
    const { status, body } = await api.ask('PATCH', `${all}/${last}`, { position });
    expect({ status, body }).toEqual({
      status: 200,
      body: { id: last, registry_id: registry, upstream_id: created.c, position: Math.min(position, 3) },
    });
    const name = (id: number) => Object.entries(created).find(([, each]) => each === id)?.[0];
    expect((await order(registry)).map(name).join(' ')).toBe(expected);
  });

  test('a position is a number from 1 to 20', async () => {
    const { api, registry } = await start();
    const { registry_upstream: link } = await api.createUpstream(registry, 'a');
    const refusals: [string, Json][] = [
      ['position is missing', {}],
      ['position does not have a valid value', { position: 0 }],
      ['position does not have a valid value', { position: -1 }],
      ['position does not have a valid value', { position: 21 }],
      ['position does not have a valid value', { position: 'first' }],
    ];
    for (const [error, given] of refusals) {
      expect(await api.ask('PATCH', `${all}/${link.id}`, given)).toMatchObject({
        status: 400,
        body: { error },
      });
    }
  });

  test('an upstream that is taken out stays, and those behind it move up', async () => {
    const { api, group, registry, order } = await start();
    const first = await api.createUpstream(registry, 'first');
    const second = await api.createUpstream(registry, 'second');
    expect(await api.ask('DELETE', `${all}/${first.registry_upstream.id}`)).toMatchObject({ status: 204 });
    expect(await order(registry)).toEqual([second.id]);
    expect((await api.ask('GET', `/virtual_registries/container/upstreams/${first.id}`)).body).toMatchObject({
      id: first.id,
      registry_upstreams: [],
    });
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('only maintainers change the order; what is not there is 404', async () => {
    const { api, group, registry } = await start();
    const { id, registry_upstream: link } = await api.createUpstream(registry, 'a');
    const developer = await api.createMember(group, 'developer', 30);
    const stranger = await api.createUser('stranger');
    const input = { registry_id: registry, upstream_id: id };
    expect(await api.as(developer, 'POST', all, input)).toMatchObject({ status: 403 });
    expect(await api.as(developer, 'PATCH', `${all}/${link.id}`, { position: 1 })).toMatchObject({
      status: 403,
    });
    expect(await api.as(developer, 'DELETE', `${all}/${link.id}`)).toMatchObject({ status: 403 });
    expect(await api.as(stranger, 'DELETE', `${all}/${link.id}`)).toMatchObject({ status: 404 });
    expect(await api.ask('PATCH', `${all}/999`, { position: 1 })).toMatchObject({ status: 404 });
    expect(await api.ask('DELETE', `${all}/999`)).toMatchObject({ status: 404 });
    expect(await api.ask('DELETE', `${all}/x`)).toMatchObject({
      status: 400,
      body: { error: 'id is invalid' },
    });
  });
});
