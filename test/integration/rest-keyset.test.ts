/** https://docs.gitlab.com/api/rest/#keyset-based-pagination */
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

interface Numbered {
  readonly id: number;
}

describeEachDatabase('keyset pages', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const ids: number[] = [];
    for (const path of ['e', 'a', 'd', 'b', 'c']) ids.push(await api.createProject(acme, path));
    /** By the links, from the first page on. */
    const follow = async (first: string) => {
      const found: number[] = [];
      const links: string[] = [];
      for (let path: string | undefined = first; path !== undefined; ) {
        const { status, body, headers } = await api.ask('GET', path);
        expect(status).toBe(200);
        found.push(...body.map(({ id }: Numbered) => id));
        path = /<https:\/\/registry\.example\/api\/v4([^>]+)>; rel="next"/.exec(
          headers.get('link') ?? '',
        )?.[1];
        if (path !== undefined) links.push(path);
        expect(headers.has('x-total')).toBe(false);
      }
      return { found, links };
    };
    return { api, acme, ids, follow };
  }

  test('go through all projects once, in either direction, by the links alone', async () => {
    const { ids, follow } = await start();
    const up = await follow('/projects?pagination=keyset&order_by=id&sort=asc&per_page=2');
    expect(up.found).toEqual(ids);
    expect(up.links[0]).toContain(`id_after=${ids[1]}`);
    const down = await follow('/projects?pagination=keyset&per_page=2&search=acme');
    expect(down.found).toEqual(ids.toReversed());
    expect(down.links[0]).toContain(`id_before=${ids[3]}`);
    expect((await follow('/projects?pagination=keyset&per_page=5')).links).toEqual([]);
  });

  test('miss none and repeat none while projects come and go', async () => {
    const { api, acme, ids } = await start();
    const first = await api.ask('GET', '/projects?pagination=keyset&order_by=id&sort=asc&per_page=2');
    await api.ask('DELETE', `/projects/${ids[0]}`);
    const added = await api.createProject(acme, 'f');
    const next = /api\/v4([^>]+)>/.exec(first.headers.get('link') ?? '')?.[1] ?? '';
    const { body } = await api.ask('GET', next.replace('per_page=2', 'per_page=20'));
    expect(body.map(({ id }: Numbered) => id)).toEqual([ids[2], ids[3], ids[4], added]);
  });

  test('are of users and audit events too, by an opaque cursor', async () => {
    const { api, follow } = await start();
    for (const name of ['ada', 'bob', 'cyd']) await api.createUser(name);
    const users = await follow('/users?pagination=keyset&order_by=id&sort=asc&per_page=2');
    expect(users.found).toHaveLength(4);
    expect(users.found).toEqual(users.found.toSorted((a, b) => a - b));
    for (const path of ['/audit_events', '/groups/acme/audit_events']) {
      const events = await follow(`${path}?pagination=keyset&order_by=id&per_page=4`);
      expect(events.found).toHaveLength(6);
      expect(new Set(events.found).size).toBe(6);
      expect(events.links[0]).toContain('cursor=');
    }
    expect(await api.ask('GET', '/users?pagination=keyset&cursor=x')).toMatchObject({
      status: 400,
      body: { error: 'cursor is invalid' },
    });
  });

  test('go by number alone; pages by number sort by more', async () => {
    const { api, ids } = await start();
    expect(await api.ask('GET', '/projects?pagination=keyset&order_by=name')).toMatchObject({ status: 400 });
    const names = async (query: string) =>
      (await api.ask('GET', `/projects?${query}`)).body.map(({ path }: { path: string }) => path).join('');
    expect(await names('')).toBe('abcde');
    expect(await names('order_by=name&sort=desc')).toBe('edcba');
    expect(await names('order_by=id')).toBe('cbdae');
    expect(await names(`order_by=id&sort=asc&id_after=${ids[0]}&id_before=${ids[3]}`)).toBe('ad');
  });
});

describeEachDatabase('namespaces', (open, { clock }) => {
  test('are groups, as far as one has a role in them', async () => {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    const team = await api.createGroup('team', 'private', acme);
    await api.createGroup('other', 'public');
    const ada = await api.createMember(acme, 'ada', 20);
    const paths = async (query = '') =>
      (await api.as(ada, 'GET', `/namespaces${query}`)).body.map(
        (each: { full_path: string }) => each.full_path,
      );
    expect(await paths()).toEqual(['acme', 'acme/team']);
    expect(await paths('?top_level_only=true')).toEqual(['acme']);
    expect(await paths('?owned_only=true')).toEqual([]);
    expect(await paths('?search=tea')).toEqual(['acme/team']);
    expect((await api.ask('GET', '/namespaces')).body).toHaveLength(3);
    for (const id of [String(team), 'acme%2Fteam'])
      expect(await api.as(ada, 'GET', `/namespaces/${id}`)).toMatchObject({
        status: 200,
        body: {
          id: team,
          name: 'team',
          path: 'team',
          kind: 'group',
          full_path: 'acme/team',
          parent_id: acme,
        },
      });
    const eve = await api.createUser('eve');
    expect(await api.as(eve, 'GET', '/namespaces/acme')).toMatchObject({ status: 404 });
    expect((await api.as(eve, 'GET', '/namespaces')).body).toEqual([]);
    expect((await api.ask('GET', `/groups/${acme}/descendant_groups`)).body).toMatchObject([{ id: team }]);
  });

  test('are there, or not, as far as one may know', async () => {
    const api = await RestApi.start(await open(), clock);
    const acme = await api.createGroup('acme');
    await api.createGroup('team', 'private', acme);
    await api.createGroup('team1', 'private', acme);
    const eve = await api.createUser('eve');
    const ask = async (path: string) => (await api.ask('GET', path)).body;
    expect(await ask('/namespaces/acme/exists')).toEqual({ exists: true, suggests: ['acme1'] });
    expect(await ask('/namespaces/ACME/exists')).toMatchObject({ exists: true });
    expect(await ask(`/namespaces/team/exists?parent_id=${acme}`)).toEqual({
      exists: true,
      suggests: ['team2'],
    });
    expect(await ask('/namespaces/team/exists')).toEqual({ exists: false, suggests: [] });
    expect((await api.as(eve, 'GET', '/namespaces/acme/exists')).body).toEqual({
      exists: false,
      suggests: [],
    });
    expect(await api.as(eve, 'GET', `/namespaces/team/exists?parent_id=${acme}`)).toMatchObject({
      status: 404,
    });
  });
});
