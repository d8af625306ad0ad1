import { expect, test } from 'vitest';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { blobOf, createRepository, linkBlob } from '../support/hosted-records.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

describeEachDatabase('groups', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  test('a created group has the fields that GitLab has, and its creator is its owner', async () => {
    const api = await start();
    const given = { name: 'Platform', path: 'Platform-Team', description: 'Ours', visibility: 'internal' };
    const created = await api.ask('POST', '/groups', given);
    expect(created).toMatchObject({ status: 201 });
    expect(created.body).toEqual({
      id: expect.any(Number),
      web_url: 'https://registry.example/groups/platform-team',
      name: 'Platform',
      path: 'Platform-Team',
      description: 'Ours',
      visibility: 'internal',
      full_name: 'Platform',
      full_path: 'platform-team',
      parent_id: null,
      container_registry_quota_bytes: null,
      virtual_registries_enabled: true,
      created_at: '2026-01-01T00:00:00.000Z',
    });
    const members = await api.ask('GET', `/groups/${created.body.id}/members`);
    expect(members.body).toMatchObject([{ username: 'root', access_level: 50 }]);
  });

  test('a group is found by number and by path, in whatever case', async () => {
    const api = await start();
    const id = await api.createGroup('platform');
    for (const reference of [id, 'platform', 'Platform', '%70latform']) {
      expect(await api.ask('GET', `/groups/${reference}`)).toMatchObject({ status: 200, body: { id } });
    }
    const subgroup = await api.createGroup('sub', 'private', id);
    expect(await api.ask('GET', '/groups/Platform%2Fsub')).toMatchObject({
      body: { id: subgroup, parent_id: id },
    });
    expect(await api.ask('GET', '/groups/nobody')).toMatchObject({
      status: 404,
      body: { message: '404 Group Not Found' },
    });
  });

  test('what cannot be a group is refused with the reason', async () => {
    const api = await start();
    await api.createGroup('taken');
    const refusals: [object, Json][] = [
      [{ error: 'name is missing, path is missing' }, {}],
      [{ error: 'name is empty' }, { name: '', path: 'a' }],
      [{ error: 'visibility does not have a valid value' }, { name: 'a', path: 'a', visibility: 'secret' }],
      [{ error: 'parent_id is invalid' }, { name: 'a', path: 'a', parent_id: 1.5 }],
      [{ message: { path: [expect.stringContaining('can contain only')] } }, { name: 'a', path: 'a/b' }],
      [{ message: { path: [expect.stringContaining('can contain only')] } }, { name: 'a', path: '-a' }],
      [{ message: { path: ['can not be a number'] } }, { name: 'a', path: '12' }],
      [{ message: { path: ['is a reserved name'] } }, { name: 'a', path: 'virtual_registries' }],
      [{ message: { path: ['has already been taken'] } }, { name: 'a', path: 'TAKEN' }],
      [
        { message: { name: ['is too long (maximum is 255 characters)'] } },
        { name: 'a'.repeat(256), path: 'a' },
      ],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('POST', '/groups', given)).toMatchObject({ status: 400, body });
    }
  });

  test('only administrators create groups at the top', async () => {
    const api = await start();
    const ada = await api.createUser('ada');
    expect(await api.as(ada, 'POST', '/groups', { name: 'a', path: 'a' })).toMatchObject({ status: 403 });
  });

  test('a private group is only known to its members and to administrators', async () => {
    const api = await start();
    const open = await api.createGroup('open', 'public');
    const inner = await api.createGroup('inner', 'internal');
    const hidden = await api.createGroup('hidden');
    const guest = await api.createMember(hidden, 'guest', 10);
    const stranger = await api.createUser('stranger');
    const ids = (answer: { body: { id: number }[] }) => answer.body.map(({ id }) => id);

    expect(ids(await api.ask('GET', '/groups'))).toEqual([hidden, inner, open]);
    expect(ids(await api.as(guest, 'GET', '/groups'))).toEqual([hidden, inner, open]);
    expect(ids(await api.as(stranger, 'GET', '/groups'))).toEqual([inner, open]);
    expect(await api.as(guest, 'GET', `/groups/${hidden}`)).toMatchObject({ status: 200 });
    expect(await api.as(stranger, 'GET', `/groups/${open}`)).toMatchObject({ status: 200 });
    expect(await api.as(stranger, 'GET', `/groups/${hidden}`)).toMatchObject({
      status: 404,
      body: { message: '404 Group Not Found' },
    });
  });

  test('a list of groups is searched and comes in pages', async () => {
    const api = await start();
    for (const name of ['build-a', 'build-b', 'other']) await api.createGroup(name);
    const { body, headers } = await api.ask('GET', '/groups?search=BUILD&per_page=1&page=2');
    expect(body).toMatchObject([{ path: 'build-b' }]);
    expect(headers.get('x-total')).toBe('2');
  });

  test('owners change a group, and nobody below them', async () => {
    const api = await start();
    const id = await api.createGroup('platform');
    const owner = await api.createMember(id, 'owner', 50);
    const changes = { name: 'Platform', description: 'Ours', visibility: 'internal' };
    expect(await api.as(owner, 'PUT', `/groups/${id}`, changes)).toMatchObject({
      status: 200,
      body: { id, full_name: 'Platform', full_path: 'platform', ...changes },
    });
    expect(await api.as(owner, 'PUT', '/groups/platform', { description: null })).toMatchObject({
      body: { name: 'Platform', description: null },
    });
    for (const [username, level] of [
      ['maintainer', 40],
      ['developer', 30],
      ['guest', 10],
    ] as const) {
      const member = await api.createMember(id, username, level);
      expect(await api.as(member, 'PUT', `/groups/${id}`, { name: 'a' })).toMatchObject({
        status: 403,
        body: { message: '403 Forbidden' },
      });
    }
    expect(await api.ask('PUT', `/groups/${id}`, {})).toMatchObject({
      status: 400,
      body: {
        error:
          'name, path, description, visibility, container_registry_quota_bytes, virtual_registries_enabled are missing, at least one parameter must be provided',
      },
    });
    expect(await api.ask('PUT', '/groups/nobody', { name: 'a' })).toMatchObject({ status: 404 });
    const events = await api.ask('GET', '/audit_events?entity_type=group');
    expect(events.body.map((event: { event_name: string }) => event.event_name)).toEqual([
      'group.update',
      'group.update',
      'group.create',
    ]);
    expect(events.body[1].details).toMatchObject({
      author_name: 'owner',
      attributes: { path: 'platform', ...changes },
    });
  });

  test('hosted and cached bytes are told apart, to Reporters', async () => {
    const api = await start();
    const id = await api.createGroup('platform', 'internal');
    const upstream = await api.createUpstream(await api.createRegistry(id, 'base'), 'hub');
    const { database } = api;
    const web = await createRepository(database, 'platform/shop/web');
    const tools = await createRepository(database, 'platform/team/tools');
    await linkBlob(database, web.id, 'shared', 100);
    await linkBlob(database, tools.id, 'shared');
    await linkBlob(database, tools.id, 'own', 20);
    for (const [repository, text, size] of [
      ['library/alpine', 'shared', 100],
      ['library/redis', 'cached', 7],
      ['library/nginx', 'cached', 7],
    ] as const) {
      const blob = blobOf(text, size);
      const place = {
        groupId: id,
        upstreamId: upstream.id,
        repository: parseRepositoryName(repository),
        mediaType: 'application/octet-stream',
        checkedAt: clock.now,
      };
      await database.cacheEntries.linkBlob({ ...place, digest: blob.digest, size }, blob);
    }
    const statistics = { container_registry_size: 220, virtual_registries_size: 107 };
    const reporter = await api.createMember(id, 'reporter', 20);
    const guest = await api.createMember(id, 'guest', 10);
    expect(await api.as(reporter, 'GET', `/groups/${id}?statistics=true`)).toMatchObject({
      body: { statistics },
    });
    expect((await api.as(reporter, 'GET', `/groups/${id}`)).body).not.toHaveProperty('statistics');
    expect((await api.as(guest, 'GET', `/groups/${id}?statistics=true`)).body).not.toHaveProperty(
      'statistics',
    );
  });

  test('a deleted group is gone with all that belonged to it; only its owners delete it', async () => {
    const api = await start();
    const id = await api.createGroup('platform');
    const registry = await api.createRegistry(id, 'base');
    const upstream = await api.createUpstream(registry, 'hub');
    const maintainer = await api.createMember(id, 'maintainer', 40);
    const owner = await api.createMember(id, 'owner', 50);
    expect(await api.as(maintainer, 'DELETE', `/groups/${id}`)).toMatchObject({ status: 403 });
    expect(await api.as(owner, 'DELETE', `/groups/${id}`)).toMatchObject({
      status: 202,
      body: { message: '202 Accepted' },
    });
    expect(await api.ask('GET', `/groups/${id}`)).toMatchObject({ status: 404 });
    expect(await api.ask('GET', `/virtual_registries/container/registries/${registry}`)).toMatchObject({
      status: 404,
    });
    expect(await api.ask('GET', `/virtual_registries/container/upstreams/${upstream.id}`)).toMatchObject({
      status: 404,
    });
    expect(api.forgotten.at(-1)).toBe(id);
  });
});
