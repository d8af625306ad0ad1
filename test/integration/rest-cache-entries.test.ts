import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { parseRepositoryName } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { RestApi } from '../support/rest-api.ts';

const ofUpstream = (id: number) => `/virtual_registries/container/upstreams/${id}/cache_entries`;
const one = (id: string) => `/virtual_registries/container/cache_entries/${id}`;
const payload = Buffer.from('{"schemaVersion":2}');
const index = 'application/vnd.oci.image.index.v1+json';

describeEachDatabase('cache entries', (open, { clock }) => {
  async function start() {
    const api = await RestApi.start(await open(), clock);
    const group = await api.createGroup('platform');
    const registry = await api.createRegistry(group, 'base');
    const { id: upstream } = await api.createUpstream(registry, 'hub');
    const saveManifest = (repository: string, reference: string, stored = payload) =>
      api.database.cacheEntries.saveManifest(
        {
          groupId: group,
          upstreamId: upstream,
          kind: 'manifest',
          repository: parseRepositoryName(repository),
          reference,
          digest: digestOf(stored),
          mediaType: index,
          etag: '"abc"',
          checkedAt: clock.now,
        },
        stored,
        [],
      );
    return { api, group, upstream: upstream as number, saveManifest };
  }

  test('a manifest and a blob have the fields that GitLab has', async () => {
    const { api, group, upstream, saveManifest } = await start();
    const { id } = await saveManifest('library/redis', '7.4');
    const downloadedAt = clock.now + 1000;
    await api.database.cacheEntries.recordDownloads([{ id, count: 18, lastAt: downloadedAt }]);
    const digest = digestOf(Buffer.from('layer'));
    const sha1 = '1'.repeat(40);
    await api.database.cacheEntries.linkBlob(
      {
        groupId: group,
        upstreamId: upstream,
        repository: parseRepositoryName('library/redis'),
        digest,
        mediaType: 'application/octet-stream',
        size: 5,
        checkedAt: clock.now,
      },
      { digest, size: 5, storageKey: 'key', createdAt: clock.now },
    );
    api.sha1s.set(digest, sha1);
    const now = new Date(clock.now).toISOString();
    const common = {
      id: expect.stringMatching(/^[\w-]+$/),
      group_id: group,
      upstream_id: upstream,
      upstream_checked_at: now,
      file_md5: null,
      created_at: now,
      updated_at: now,
    };
    const { status, body } = await api.ask('GET', ofUpstream(upstream));
    expect(status).toBe(200);
    expect(body).toEqual([
      {
        ...common,
        file_sha1: sha1,
        size: 5,
        relative_path: `library/redis/blobs/${digest}`,
        upstream_etag: null,
        content_type: 'application/octet-stream',
        digest,
        downloads_count: 0,
        downloaded_at: null,
      },
      {
        ...common,
        file_sha1: createHash('sha1').update(payload).digest('hex'),
        size: payload.length,
        relative_path: 'library/redis/manifests/7.4',
        upstream_etag: '"abc"',
        content_type: index,
        digest: digestOf(payload),
        downloads_count: 18,
        downloaded_at: new Date(downloadedAt).toISOString(),
      },
    ]);
  });

  test('the list is newest first, in pages, and searched by path with or without a leading slash', async () => {
    const { api, upstream, saveManifest } = await start();
    await saveManifest('library/redis', '7.4');
    await saveManifest('library/alpine', '3.20');
    await saveManifest('team/redis', 'latest');
    const paths = async (query: string): Promise<string[]> => {
      const { body } = await api.ask('GET', `${ofUpstream(upstream)}?${query}`);
      return body.map((entry: { relative_path: string }) => entry.relative_path);
    };
    const [latest, alpine, redis] = [
      'team/redis/manifests/latest',
      'library/alpine/manifests/3.20',
      'library/redis/manifests/7.4',
    ];
    expect(await paths('')).toEqual([latest, alpine, redis]);
    expect(await paths('per_page=1&page=2')).toEqual([alpine]);
    expect(await paths('search=redis')).toEqual([latest, redis]);
    expect(await paths('search=library/redis/manifests')).toEqual([redis]);
    expect(await paths('search=/library/redis/manifests')).toEqual([redis]);
    expect(await paths('search=100%25')).toEqual([]);
  });

  test('the list is by size or by the last pull where asked for, what was never pulled before everything', async () => {
    const { api, upstream, saveManifest } = await start();
    const small = await saveManifest('library/redis', '7.4');
    await saveManifest('library/alpine', '3.20');
    const big = await saveManifest('team/redis', 'latest', Buffer.from('{"schemaVersion":2 }'));
    await api.database.cacheEntries.recordDownloads([
      { id: big.id, count: 1, lastAt: clock.now + 1000 },
      { id: small.id, count: 1, lastAt: clock.now + 2000 },
    ]);
    const names = async (query: string): Promise<string[]> => {
      const { body } = await api.ask('GET', `${ofUpstream(upstream)}?${query}`);
      return body.map((entry: { relative_path: string }) => entry.relative_path.split('/manifests/')[0]);
    };
    const [redis, alpine, team] = ['library/redis', 'library/alpine', 'team/redis'];
    expect(await names('order_by=size')).toEqual([team, alpine, redis]);
    expect(await names('order_by=size&sort=asc')).toEqual([redis, alpine, team]);
    expect(await names('order_by=downloaded_at')).toEqual([redis, team, alpine]);
    expect(await names('order_by=downloaded_at&sort=asc')).toEqual([alpine, team, redis]);
    expect(await names('order_by=downloaded_at&per_page=1&page=2')).toEqual([team]);
    expect(await names('order_by=size&search=redis')).toEqual([team, redis]);
    expect(await names('order_by=created_at&sort=asc')).toEqual([redis, alpine, team]);
    expect(await api.ask('GET', `${ofUpstream(upstream)}?order_by=digest`)).toMatchObject({ status: 400 });
  });

  test('an entry is forgotten by its id', async () => {
    const { api, group, upstream, saveManifest } = await start();
    await saveManifest('library/redis', '7.4');
    await saveManifest('library/redis', '8');
    const before = (await api.ask('GET', ofUpstream(upstream))).body;
    expect(await api.ask('DELETE', one(before[0].id))).toMatchObject({ status: 204 });
    expect((await api.ask('GET', ofUpstream(upstream))).body).toEqual([before[1]]);
    expect(await api.ask('DELETE', one(before[0].id))).toMatchObject({ status: 404 });
    expect(api.forgotten.at(-1)).toBe(group);
  });

  test('an id that nobody was given is 404', async () => {
    const { api } = await start();
    for (const id of ['nonsense', 'bGlicmFyeQ==', 'a/b/c', '%2F', 'MSA5OTk']) {
      expect(await api.ask('DELETE', one(id))).toMatchObject({
        status: 404,
        body: { message: '404 Not found' },
      });
    }
  });

  test('an entry that changed since someone looked is not forgotten', async () => {
    const { api, upstream, saveManifest } = await start();
    const { id } = await saveManifest('library/redis', '7.4');
    const headers = { 'if-unmodified-since': new Date(clock.now).toUTCString() };
    clock.now += 60_000;
    await api.database.cacheEntries.touch(id, clock.now);
    const [entry] = (await api.ask('GET', ofUpstream(upstream))).body;
    expect(await api.ask('DELETE', one(entry.id), undefined, { headers })).toMatchObject({ status: 412 });
  });

  test('a guest looks, a maintainer forgets', async () => {
    const { api, group, upstream, saveManifest } = await start();
    await saveManifest('library/redis', '7.4');
    const guest = await api.createMember(group, 'guest', 10);
    const maintainer = await api.createMember(group, 'maintainer', 40);
    const stranger = await api.createUser('stranger');
    const [entry] = (await api.as(guest, 'GET', ofUpstream(upstream))).body;
    expect(await api.as(stranger, 'DELETE', one(entry.id))).toMatchObject({ status: 404 });
    expect(await api.as(guest, 'DELETE', one(entry.id))).toMatchObject({ status: 403 });
    expect(await api.as(maintainer, 'DELETE', one(entry.id))).toMatchObject({ status: 204 });
  });

  test('clearing an upstream forgets all of it, even when it is shared', async () => {
    const { api, group, upstream, saveManifest } = await start();
    await saveManifest('library/redis', '7.4');
    const other = await api.createRegistry(group, 'other');
    await api.database.registryUpstreams.append(other, upstream);
    const path = `/virtual_registries/container/upstreams/${upstream}/cache`;
    expect(await api.ask('DELETE', path)).toMatchObject({ status: 204 });
    expect((await api.ask('GET', ofUpstream(upstream))).body).toEqual([]);
  });
});
