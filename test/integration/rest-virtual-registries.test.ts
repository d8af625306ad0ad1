import { describe, expect, test } from 'vitest';
import { parseDigest } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const ofGroup = (group: number | string) => `/groups/${group}/-/virtual_registries/container/registries`;
const one = (id: number | string) => `/virtual_registries/container/registries/${id}`;
const upstreamPath = (id: number) => `/virtual_registries/container/upstreams/${id}`;

describeEachDatabase('virtual registries', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  test('a created registry has the fields that GitLab has, and anonymous_pull', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const given = { name: 'base-images', description: 'Images used by CI' };
    const { status, body } = await api.ask('POST', ofGroup('platform'), given);
    const registry = {
      id: expect.any(Number),
      group_id: group,
      name: 'base-images',
      description: 'Images used by CI',
      anonymous_pull: false,
      created_at: '2026-01-01T00:00:00.000Z',
      updated_at: '2026-01-01T00:00:00.000Z',
    };
    expect({ status, body }).toEqual({ status: 201, body: registry });
    expect((await api.ask('GET', ofGroup(group))).body).toEqual([registry]);
    expect((await api.ask('GET', one(body.id))).body).toEqual({ ...registry, registry_upstreams: [] });
  });

  test('one registry shows its upstreams in their order', async () => {
    const api = await start();
    const registry = await api.createRegistry(await api.createGroup('platform'), 'base');
    const first = await api.createUpstream(registry, 'hub');
    const second = await api.createUpstream(registry, 'quay');
    expect((await api.ask('GET', one(registry))).body.registry_upstreams).toEqual([
      { id: first.registry_upstream.id, position: 1, upstream_id: first.id },
      { id: second.registry_upstream.id, position: 2, upstream_id: second.id },
    ]);
  });

  test('what cannot be a registry is refused with the reason', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    await api.createRegistry(group, 'taken');
    const refusals: [object, Json][] = [
      [{ error: 'name is missing' }, {}],
      [{ error: 'name is empty' }, { name: '' }],
      [{ message: { name: ['is too long (maximum is 255 characters)'] } }, { name: 'a'.repeat(256) }],
      [
        { message: { description: ['is too long (maximum is 1024 characters)'] } },
        { name: 'a', description: 'a'.repeat(1025) },
      ],
      [{ message: { name: ['has already been taken'] } }, { name: 'taken' }],
    ];
    for (const [body, given] of refusals) {
      expect(await api.ask('POST', ofGroup(group), given)).toMatchObject({ status: 400, body });
    }
  });

  test('a group has at most five, counted even when they are made at once', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const names = ['a', 'b', 'c', 'd', 'e', 'f', 'g'];
    const answers = await Promise.all(names.map((name) => api.ask('POST', ofGroup(group), { name })));
    const refused = answers.filter(({ status }) => status !== 201);
    expect(refused).toHaveLength(2);
    expect(refused[0]).toMatchObject({
      status: 400,
      body: { message: { base: ['5 registries is the maximum allowed per top-level group.'] } },
    });
    expect((await api.ask('GET', ofGroup(group))).body).toHaveLength(5);
  });

  test('a registry is changed by one field or both', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const id = await api.createRegistry(group, 'base');
    await api.createRegistry(group, 'taken');
    clock.now += 5000;
    expect(await api.ask('PATCH', one(id), { description: 'new' })).toMatchObject({
      status: 200,
      body: { id, name: 'base', description: 'new', updated_at: new Date(clock.now).toISOString() },
    });
    const refusals = [
      [
        {},
        { error: 'name, description, anonymous_pull are missing, at least one parameter must be provided' },
      ],
      [{ name: '' }, { error: 'name is empty' }],
      [{ description: '' }, { error: 'description is empty' }],
      [{ name: 'taken' }, { message: { name: ['has already been taken'] } }],
    ] as const;
    for (const [given, body] of refusals) {
      expect(await api.ask('PATCH', one(id), given)).toMatchObject({ status: 400, body });
    }
  });

  test('Maintainers let everyone pull, and nobody below them', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const developer = await api.createMember(group, 'developer', 30);
    const given = { name: 'mirror', anonymous_pull: true };
    expect(await api.as(developer, 'POST', ofGroup(group), given)).toMatchObject({ status: 403 });
    const { status, body } = await api.as(maintainer, 'POST', ofGroup(group), given);
    expect({ status, body }).toMatchObject({ status: 201, body: { anonymous_pull: true } });
    for (const anonymous_pull of [false, true]) {
      const changes = { anonymous_pull };
      expect(await api.as(developer, 'PATCH', one(body.id), changes)).toMatchObject({ status: 403 });
      expect(await api.as(maintainer, 'PATCH', one(body.id), changes)).toMatchObject({
        status: 200,
        body: { name: 'mirror', anonymous_pull },
      });
    }
    const [event] = (await api.ask('GET', '/audit_events?entity_type=virtual_registry')).body;
    expect(event.details).toMatchObject({ group_path: 'platform', attributes: { anonymous_pull: true } });
  });

  test('deleting a registry deletes the upstreams that only it used', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const id = await api.createRegistry(group, 'base');
    const other = await api.createRegistry(group, 'other');
    const own = await api.createUpstream(id, 'own');
    const shared = await api.createUpstream(id, 'shared');
    await api.createUpstream(other, 'first');
    await api.ask('POST', '/virtual_registries/container/registry_upstreams', {
      registry_id: other,
      upstream_id: shared.id,
    });
    const { status, body } = await api.ask('DELETE', one(id));
    expect({ status, body }).toEqual({ status: 204, body: undefined });
    expect(await api.ask('GET', one(id))).toMatchObject({ status: 404 });
    expect(await api.ask('GET', upstreamPath(own.id))).toMatchObject({ status: 404 });
    expect((await api.ask('GET', upstreamPath(shared.id))).body.registry_upstreams).toMatchObject([
      { registry_id: other, position: 2 },
    ]);
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('a registry that changed since someone looked is not deleted', async () => {
    const api = await start();
    const id = await api.createRegistry(await api.createGroup('platform'), 'base');
    const seen = new Date(clock.now).toUTCString();
    clock.now += 60_000;
    await api.ask('PATCH', one(id), { description: 'new' });
    const deleteUnmodified = (since: string) =>
      api.ask('DELETE', one(id), undefined, { headers: { 'if-unmodified-since': since } });
    expect(await deleteUnmodified(seen)).toMatchObject({
      status: 412,
      body: { message: '412 Precondition Failed' },
    });
    expect(await deleteUnmodified(new Date(clock.now).toUTCString())).toMatchObject({ status: 204 });
  });

  test('clearing the cache spares the upstreams that others use', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const id = await api.createRegistry(group, 'base');
    const other = await api.createRegistry(group, 'other');
    const own = await api.createUpstream(id, 'own');
    const shared = await api.createUpstream(id, 'shared');
    await api.database.registryUpstreams.append(other, shared.id);
    for (const upstreamId of [own.id, shared.id]) await cache(api, group, upstreamId);
    expect(await api.ask('DELETE', `${one(id)}/cache`)).toMatchObject({ status: 204 });
    expect((await api.ask('GET', `${upstreamPath(own.id)}/cache_entries`)).body).toEqual([]);
    expect((await api.ask('GET', `${upstreamPath(shared.id)}/cache_entries`)).body).toHaveLength(1);
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('what does not exist is 404, what is no number 400', async () => {
    const api = await start();
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['DELETE', '/cache'],
      ['GET', '/explain?image=alpine'],
    ] as const) {
      const body = method === 'PATCH' ? { name: 'a' } : undefined;
      for (const absent of [999, 'x'])
        expect(await api.ask(method, one(absent) + path, body)).toMatchObject({
          status: 404,
          body: { message: '404 Not found' },
        });
    }
    for (const method of ['GET', 'POST'] as const) {
      const body = method === 'POST' ? { name: 'a' } : undefined;
      expect(await api.ask(method, ofGroup('nobody'), body)).toMatchObject({
        status: 404,
        body: { message: '404 Group Not Found' },
      });
    }
  });

  test('a subgroup has no registries', async () => {
    const api = await start();
    const parentId = await api.createGroup('platform');
    const sub = {
      parentId,
      name: 'sub',
      path: 'sub',
      fullPath: 'platform/sub',
      visibility: 'private',
    } as const;
    const { id } = await api.database.groups.create(sub);
    const forbidden = { status: 403, body: { message: '403 Forbidden' } };
    expect(await api.ask('GET', ofGroup(id))).toMatchObject(forbidden);
    expect(await api.ask('POST', ofGroup('platform%2Fsub'), { name: 'a' })).toMatchObject(forbidden);
  });

  describe('who may', () => {
    test.each([
      ['a guest reads', 10, 200, 403],
      ['a developer reads', 30, 200, 403],
      ['a maintainer writes', 40, 200, 204],
      ['an owner writes', 50, 200, 204],
    ])('%s', async (_title, level, read, written) => {
      const api = await start();
      const group = await api.createGroup('platform');
      const id = await api.createRegistry(group, 'base');
      const member = await api.createMember(group, 'member', level);
      expect(await api.as(member, 'GET', ofGroup(group))).toMatchObject({ status: read });
      expect(await api.as(member, 'GET', one(id))).toMatchObject({ status: read });
      const isWriter = written === 204;
      const created = await api.as(member, 'POST', ofGroup(group), { name: 'new' });
      expect(created.status).toBe(isWriter ? 201 : 403);
      const changed = await api.as(member, 'PATCH', one(id), { name: 'changed' });
      expect(changed.status).toBe(isWriter ? 200 : 403);
      expect((await api.as(member, 'DELETE', `${one(id)}/cache`)).status).toBe(written);
      expect((await api.as(member, 'DELETE', one(id))).status).toBe(written);
    });

    test.each([
      ['private', 404, '404 Group Not Found', '404 Not found'],
      ['internal', 403, '403 Forbidden', '403 Forbidden'],
      ['public', 403, '403 Forbidden', '403 Forbidden'],
    ])('a stranger to a %s group is told %i', async (visibility, status, ofTheGroup, ofTheRegistry) => {
      const api = await start();
      const group = await api.createGroup('platform', visibility);
      const id = await api.createRegistry(group, 'base');
      const stranger = await api.createUser('stranger');
      for (const [method, body] of [
        ['GET', undefined],
        ['POST', { name: 'a' }],
      ] as const) {
        expect(await api.as(stranger, method, ofGroup(group), body)).toMatchObject({
          status,
          body: { message: ofTheGroup },
        });
      }
      for (const [method, body] of [
        ['GET', undefined],
        ['PATCH', { name: 'a' }],
        ['DELETE', undefined],
      ] as const) {
        expect(await api.as(stranger, method, one(id), body)).toMatchObject({
          status,
          body: { message: ofTheRegistry },
        });
      }
    });

    test('a member whose time is over is a stranger', async () => {
      const api = await start();
      const group = await api.createGroup('platform');
      const id = await api.createRegistry(group, 'base');
      const past = await api.createUser('past');
      await api.database.members.create({
        groupId: group,
        userId: past.id,
        accessLevel: 50,
        expiresAt: clock.now + 1000,
      });
      expect(await api.as(past, 'GET', one(id))).toMatchObject({ status: 200 });
      clock.now += 1000;
      expect(await api.as(past, 'GET', one(id))).toMatchObject({ status: 404 });
    });
  });

  test('an explanation says who would answer, and why', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const id = await api.createRegistry(group, 'base');
    const digest = parseDigest(`sha256:${'a'.repeat(64)}`);
    api.explanation = {
      upstreams: [
        {
          id: 4,
          name: 'Docker Hub',
          position: 1,
          repository: parseRepositoryName('library/alpine'),
          isAllowed: true,
          tlsVerify: false,
          breaker: 'closed',
          entry: { digest, checkedAt: Date.UTC(2026, 0, 1), isFresh: false },
          wouldAsk: true,
          answer: { result: 'found', digest, message: undefined },
        },
      ],
      verdict: { upstreamId: 4, source: 'cache', digest, why: 'it is the same' },
      admission: [
        { policy: 'quarantine', kind: 'refused', reason: 'it is too young', until: Date.UTC(2026, 0, 8) },
      ],
    };
    const guest = await api.createMember(group, 'guest', 10);
    const { status, body } = await api.as(guest, 'GET', `${one(id)}/explain?image=alpine`);
    expect({ status, body }).toEqual({
      status: 200,
      body: {
        image: 'alpine',
        reference: 'latest',
        upstreams: [
          {
            id: 4,
            name: 'Docker Hub',
            position: 1,
            repository: 'library/alpine',
            allowed: true,
            tls_verify: false,
            breaker: 'closed',
            entry: { digest, checked_at: '2026-01-01T00:00:00.000Z', fresh: false },
            would_ask: true,
            answer: { result: 'found', digest, message: null },
          },
        ],
        verdict: { upstream_id: 4, source: 'cache', digest, why: 'it is the same' },
        admission: [
          {
            policy: 'quarantine',
            verdict: 'refused',
            reason: 'it is too young',
            evidence: null,
            since: null,
            until: '2026-01-08T00:00:00.000Z',
          },
        ],
      },
    });
    expect(await api.ask('GET', `${one(id)}/explain`)).toMatchObject({
      status: 400,
      body: { error: 'image is missing' },
    });
    expect(await api.ask('GET', `${one(id)}/explain?image=A%20B`)).toMatchObject({ status: 400 });
  });
});

async function cache(api: RestApi, groupId: number, upstreamId: number): Promise<void> {
  const digest = parseDigest(`sha256:${'b'.repeat(64)}`);
  const repository = parseRepositoryName('library/alpine');
  await api.database.cacheEntries.saveManifest(
    {
      groupId,
      upstreamId,
      kind: 'manifest',
      repository,
      reference: 'latest',
      digest,
      mediaType: 'application/vnd.oci.image.index.v1+json',
      etag: undefined,
      checkedAt: Date.UTC(2026, 0, 1),
    },
    Buffer.from('{}'),
    [],
  );
}
