import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { ociManifest } from '../../src/oci/media-types.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { type Json, RestApi } from '../support/rest-api.ts';

const cacheOf = (group: number | string) => `/groups/${group}/-/virtual_registries/cache`;
const pinsOf = (registry: number) => `/virtual_registries/container/registries/${registry}/pins`;
const levels = { guest: 10, developer: 30, maintainer: 40, owner: 50 };
const digest = `sha256:${'a'.repeat(64)}`;

describeEachDatabase('pins', (open, { clock }) => {
  const start = async () => {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    return { api, group, registry: await api.createRegistry(group, 'base') };
  };

  test('name images, by tag, by digest, or all of a repository, until they are removed', async () => {
    const { api, registry } = await start();
    const given: Json[] = [
      { image: 'library/redis' },
      { image: 'library/*', tag: '7.*' },
      { image: 'team/**', digest },
    ];
    const pins = [];
    for (const each of given) {
      const { status, body } = await api.ask('POST', pinsOf(registry), each);
      expect([status, body]).toEqual([
        201,
        {
          id: expect.any(Number),
          registry_id: registry,
          tag: null,
          digest: null,
          ...each,
          created_at: '2026-01-01T00:00:00.000Z',
        },
      ]);
      pins.push(body);
    }
    expect((await api.ask('GET', pinsOf(registry))).body).toEqual(pins);
    expect((await api.ask('DELETE', `${pinsOf(registry)}/${pins[0].id}`)).status).toBe(204);
    expect((await api.ask('GET', pinsOf(registry))).body).toEqual(pins.slice(1));
    expect((await api.ask('DELETE', `${pinsOf(registry)}/${pins[0].id}`)).status).toBe(404);
  });

  test('that cannot match anything, or are there, are refused with the reason', async () => {
    const { api, registry, group } = await start();
    await api.ask('POST', pinsOf(registry), { image: 'taken' });
    const refusals: [object, Json][] = [
      [{ error: 'image is missing' }, {}],
      [{ error: 'image is empty' }, { image: ' ' }],
      [{ error: 'tag, digest are mutually exclusive' }, { image: 'a', tag: 'b', digest }],
      [{ message: { image: ['is invalid'] } }, { image: 'a b' }],
      [{ message: { tag: ['is invalid'] } }, { image: 'a', tag: '(b' }],
      [{ message: { digest: ['is invalid'] } }, { image: 'a', digest: 'sha256:1' }],
      [{ message: { image: ['is too long (maximum is 255 characters)'] } }, { image: 'a'.repeat(256) }],
      [{ message: { image: ['has already been taken'] } }, { image: 'taken' }],
    ];
    for (const [body, given] of refusals) {
      const answer = await api.ask('POST', pinsOf(registry), given);
      expect([answer.status, answer.body]).toEqual([400, body]);
    }
    const other = await api.createRegistry(group, 'other');
    const [{ id }] = (await api.ask('GET', pinsOf(registry))).body;
    expect((await api.ask('DELETE', `${pinsOf(other)}/${id}`)).status).toBe(404);
  });

  test('are seen by members, and changed by Maintainers', async () => {
    const { api, registry, group } = await start();
    const stranger = await api.createUser('stranger');
    const developer = await api.createMember(group, 'developer', levels.developer);
    const maintainer = await api.createMember(group, 'maintainer', levels.maintainer);
    const { id } = (await api.as(maintainer, 'POST', pinsOf(registry), { image: 'a' })).body;
    expect((await api.as(developer, 'GET', pinsOf(registry))).status).toBe(200);
    expect((await api.as(developer, 'POST', pinsOf(registry), { image: 'b' })).status).toBe(403);
    expect((await api.as(developer, 'DELETE', `${pinsOf(registry)}/${id}`)).status).toBe(403);
    expect((await api.as(stranger, 'GET', pinsOf(registry))).status).toBe(404);
    expect((await api.as(maintainer, 'DELETE', `${pinsOf(registry)}/${id}`)).status).toBe(204);
    expect((await api.ask('GET', pinsOf(999))).status).toBe(404);
  });
});

describeEachDatabase('the cache of a group', (open, { clock }) => {
  const start = async () => RestApi.start(await open(), clock);

  test('says how much it is, how much of it is pinned, and how well it serves', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const { id: upstreamId } = await api.createUpstream(registry, 'hub');
    const empty = {
      group_id: group,
      bytes: 0,
      max_bytes: null,
      server_max_bytes: 1000,
      pinned_bytes: 0,
      entries_count: 0,
      hits: 0,
      misses: 0,
      hit_rate: null,
      last_evicted_at: null,
      last_evicted_entries_count: 0,
      last_evicted_size: 0,
    };
    const answer = await api.ask('GET', cacheOf('platform'));
    expect([answer.status, answer.body]).toEqual([200, empty]);
    await cacheImage(api, group, upstreamId, 'library/redis', ['shared', 'redis']);
    await cacheImage(api, group, upstreamId, 'library/nginx', ['shared', 'nginx']);
    await api.database.cachePulls.add([{ groupId: group, hits: 3, misses: 1 }]);
    await api.database.groupCaches.noteEviction(group, clock.now, 2, 70);
    await api.ask('POST', pinsOf(registry), { image: 'redis', tag: 'v*' });
    expect((await api.ask('GET', cacheOf(group))).body).toEqual({
      ...empty,
      bytes: 300,
      pinned_bytes: 200,
      entries_count: 6,
      hits: 3,
      misses: 1,
      hit_rate: 0.75,
      last_evicted_at: '2026-01-01T00:00:00.000Z',
      last_evicted_entries_count: 2,
      last_evicted_size: 70,
    });
  });

  test('is limited by Owners, and no longer', async () => {
    const api = await start();
    const group = await api.createGroup('platform');
    const { id: subgroup } = (
      await api.ask('POST', '/groups', { name: 'sub', path: 'sub', parent_id: group })
    ).body;
    const guest = await api.createMember(group, 'guest', levels.guest);
    const maintainer = await api.createMember(group, 'maintainer', levels.maintainer);
    const owner = await api.createMember(group, 'owner', levels.owner);
    const stranger = await api.createUser('stranger');
    const limited = await api.as(owner, 'PATCH', cacheOf(group), { max_bytes: 5_000_000_000 });
    expect([limited.status, limited.body.max_bytes]).toEqual([200, 5_000_000_000]);
    expect((await api.as(guest, 'GET', cacheOf(group))).body.max_bytes).toBe(5_000_000_000);
    expect((await api.as(maintainer, 'PATCH', cacheOf(group), { max_bytes: 1 })).status).toBe(403);
    expect((await api.as(stranger, 'GET', cacheOf(group))).status).toBe(404);
    expect((await api.as(owner, 'GET', cacheOf(subgroup))).status).toBe(403);
    for (const none of [null, 0]) {
      await api.as(owner, 'PATCH', cacheOf(group), { max_bytes: 7 });
      expect((await api.as(owner, 'PATCH', cacheOf(group), { max_bytes: none })).body.max_bytes).toBeNull();
    }
    const missing = await api.ask('PATCH', cacheOf(group), {});
    expect([missing.status, missing.body]).toEqual([400, { error: 'max_bytes is missing' }]);
    const negative = await api.ask('PATCH', cacheOf(group), { max_bytes: -1 });
    expect([negative.status, negative.body]).toEqual([
      400,
      { message: { max_bytes: ['must be greater than or equal to 0'] } },
    ]);
  });
});

/** Layers of 100 bytes each. */
async function cacheImage(
  api: RestApi,
  groupId: number,
  upstreamId: number,
  name: string,
  layers: readonly string[],
): Promise<void> {
  const place = { groupId, upstreamId, repository: parseRepositoryName(name), checkedAt: 1 };
  const digests: Digest[] = layers.map((layer) => digestOf(Buffer.from(layer)));
  const payload = Buffer.from(JSON.stringify({ name, layers }));
  const references = digests.map((each) => ({
    kind: 'layer' as const,
    digest: each,
    mediaType: 'application/octet-stream',
    size: 100,
  }));
  await api.database.cacheEntries.saveManifest(
    {
      ...place,
      kind: 'manifest',
      reference: 'v1',
      digest: digestOf(payload),
      mediaType: ociManifest,
      etag: undefined,
    },
    payload,
    references,
  );
  for (const each of digests) {
    const blob = { digest: each, size: 100, storageKey: each, createdAt: 1 };
    await api.database.cacheEntries.linkBlob(
      { ...place, digest: each, mediaType: 'application/octet-stream', size: 100 },
      blob,
    );
  }
}
