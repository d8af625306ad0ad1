import { expect, test } from 'vitest';
import type { Catalog } from '../../../../src/api/registry/services.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { ociManifest } from '../../../../src/oci/media-types.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import type { PageRequest, ReferrerDescriptor } from '../../../../src/oci/repository.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import {
  type Answer,
  errorsOf,
  hostedName,
  lasting,
  RegistryServer,
  repositoryName,
} from './registry-server.ts';

function linkOf({ headers }: Answer): string | undefined {
  return [headers['link']].flat()[0];
}

/** The part of a list in byte order that a page has. */
function partOf<T extends string>(all: readonly T[], { after, limit }: PageRequest) {
  const rest = all.filter((each) => each > after);
  return { part: rest.slice(0, limit), hasMore: rest.length > limit };
}

const tags = (names: readonly string[]) => ({
  tags: async (page: PageRequest) => {
    const { part, hasMore } = partOf(names.map(parseTag), page);
    return { tags: part, hasMore, outcome: 'stale' as const };
  },
});
const listPath = `/v2/${repositoryName}/tags/list`;

test.each([
  ['', ['A', 'a', 'b', 'c'], undefined],
  ['?n=2', ['A', 'a'], `<${listPath}?n=2&last=a>; rel="next"`],
  ['?n=2&last=a', ['b', 'c'], undefined],
  ['?n=4', ['A', 'a', 'b', 'c'], undefined],
  ['?n=3&last=', ['A', 'a', 'b'], `<${listPath}?n=3&last=b>; rel="next"`],
  ['?last=aa', ['b', 'c'], undefined],
  ['?last=c', [], undefined],
  ['?n=', ['A', 'a', 'b', 'c'], undefined],
  ['?n=0', [], undefined],
  ['?last=a%00b', ['b', 'c'], undefined],
  ['?n=99999999999999999999', ['A', 'a', 'b', 'c'], undefined],
])('tags/list%s is %j', async (query, expected, link) => {
  await using server = await RegistryServer.start(tags(['A', 'a', 'b', 'c']));
  const answer = await server.get(`tags/list${query}`);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body.toString())).toEqual({ name: repositoryName, tags: expected });
  expect(answer.headers['content-type']).toBe('application/json');
  expect(answer.headers['cache-status']).toBe('entrepot; hit; detail=stale');
  expect(linkOf(answer)).toBe(link);
  const head = await server.head(`tags/list${query}`);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
});

test.each([['-1'], ['abc'], ['1.5'], ['%20']])('n=%s is refused', async (n) => {
  await using server = await RegistryServer.start(tags(['a']));
  for (const path of [listPath, '/v2/_catalog']) {
    const answer = await server.ask('GET', `${path}?n=${n}`);
    expect(answer.status).toBe(400);
    expect(errorsOf(answer)).toMatchObject([{ code: 'PAGINATION_NUMBER_INVALID' }]);
  }
});

test('a tag that was pushed is listed, whatever has to be encoded of it in a link', async () => {
  const hosted = new WritableMemoryRepository();
  await using server = await RegistryServer.start({}, { hosted });
  for (const tag of ['b', 'A_1.x-y', '_z']) await server.push('PUT', `manifests/${tag}`, Buffer.from('{}'));
  const first = await server.push('GET', 'tags/list?n=1');
  expect(JSON.parse(first.body.toString())).toEqual({ name: hostedName, tags: ['A_1.x-y'] });
  expect(first.headers['cache-status']).toBe('entrepot');
  const next = await server.ask('GET', /^<(.+)>/.exec(linkOf(first) ?? '')?.[1] ?? '');
  expect(JSON.parse(next.body.toString()).tags).toEqual(['_z']);
});

test('a repository without tags has an empty list, one that does not exist none', async () => {
  const hosted = new WritableMemoryRepository();
  hosted.addBlob('a blob');
  await using server = await RegistryServer.start({}, { hosted });
  const empty = await server.push('GET', 'tags/list');
  expect(JSON.parse(empty.body.toString())).toEqual({ name: hostedName, tags: [] });
  const unknown = await server.ask('GET', '/v2/acme/nothing/tags/list');
  expect([unknown.status, errorsOf(unknown)]).toMatchObject([404, [{ code: 'NAME_UNKNOWN' }]]);
});

const names = ['acme/a', 'acme/b/c', 'other/d'];
const catalog: Catalog = {
  list: async ({ kind }, page) => {
    if (kind !== 'user') throw new OciError('DENIED', { detail: 'they may not' });
    const { part, hasMore } = partOf(names, page);
    return { names: part, hasMore };
  },
};
const identity = { kind: 'user', userId: 5, username: 'dana', isAdmin: false, scopes: 'all' } as const;

test.each([
  ['', names, undefined],
  ['?n=2', names.slice(0, 2), '</v2/_catalog?n=2&last=acme%2Fb%2Fc>; rel="next"'],
  ['?n=2&last=acme%2Fb%2Fc', ['other/d'], undefined],
  ['?n=3', names, undefined],
  ['?n=0', [], undefined],
  ['?n=99999999999999999999', names, undefined],
])('_catalog%s is %j', async (query, expected, link) => {
  await using server = await RegistryServer.start({}, { catalog, identity });
  const answer = await server.ask('GET', `/v2/_catalog${query}`);
  expect(answer.status).toBe(200);
  expect(JSON.parse(answer.body.toString())).toEqual({ repositories: expected });
  expect(answer.headers['content-type']).toBe('application/json');
  expect(linkOf(answer)).toBe(link);
});

test('_catalog is answered for whoever asks', async () => {
  await using server = await RegistryServer.start({}, { catalog });
  const answer = await server.ask('GET', '/v2/_catalog');
  expect([answer.status, errorsOf(answer)]).toMatchObject([403, [{ code: 'DENIED' }]]);
});

test('following the links gives each tag once, however many are asked for', async () => {
  const all = Array.from({ length: 2500 }, (_, index) => `v${String(index).padStart(4, '0')}`);
  await using server = await RegistryServer.start(tags(all), { externalUrl: 'https://registry.example.com' });
  const seen: string[][] = [];
  for (let path: string | undefined = `${listPath}?n=100000`; path; ) {
    const answer = await server.ask('GET', path);
    seen.push(JSON.parse(answer.body.toString()).tags);
    path = /^<(.+)>; rel="next"$/.exec(linkOf(answer) ?? '')?.[1];
  }
  expect(seen.map((page) => page.length)).toEqual([1000, 1000, 500]);
  expect(seen.flat()).toEqual(all);
});

test('links keep the prefix that a proxy puts us below', async () => {
  await using server = await RegistryServer.start(tags(['a', 'b']), {
    externalUrl: 'https://example.com/registry',
  });
  const answer = await server.get('tags/list?n=1');
  expect(linkOf(answer)).toBe(`</registry${listPath}?n=1&last=a>; rel="next"`);
});

const subject = digestOf(Buffer.from('subject'));
const referrersPath = `/v2/${repositoryName}/referrers/${subject}`;

function descriptor(index: number, artifactType = 'application/spdx+json', note = ''): ReferrerDescriptor {
  const digest = digestOf(Buffer.from(`referrer ${index}`));
  return { mediaType: ociManifest, digest, size: index, artifactType, annotations: { note } };
}

function referrers(descriptors: readonly ReferrerDescriptor[]) {
  return { referrers: async () => ({ descriptors, outcome: 'hit' as const }) };
}

test('referrers are an index, also where there are none', async () => {
  await using server = await RegistryServer.start({});
  const answer = await server.get(`referrers/${subject}`);
  expect(answer.status).toBe(200);
  expect(answer.headers['content-type']).toBe('application/vnd.oci.image.index.v1+json');
  expect(answer.headers['oci-filters-applied']).toBeUndefined();
  expect(answer.headers['cache-status']).toBe('entrepot; hit');
  expect(JSON.parse(answer.body.toString())).toEqual({
    schemaVersion: 2,
    mediaType: 'application/vnd.oci.image.index.v1+json',
    manifests: [],
  });
  const head = await server.head(`referrers/${subject}`);
  expect(lasting(head.headers)).toEqual(lasting(answer.headers));
});

test('referrers of a repository that does not exist are an empty index, too, but not of what is no digest', async () => {
  await using server = await RegistryServer.start({});
  const answer = await server.ask('GET', `/v2/acme/nothing/referrers/${subject}?artifactType=a/b`);
  expect(answer.status).toBe(200);
  expect(answer.headers['oci-filters-applied']).toBe('artifactType');
  expect(JSON.parse(answer.body.toString()).manifests).toEqual([]);
  const refused = await server.ask('GET', '/v2/acme/nothing/referrers/sha256:bad');
  expect([refused.status, errorsOf(refused)]).toMatchObject([400, [{ code: 'DIGEST_INVALID' }]]);
});

test('referrers come as they were found, and filtered where that is asked', async () => {
  const all = [descriptor(2), descriptor(1, 'application/sig'), descriptor(3)];
  await using server = await RegistryServer.start(referrers(all));
  const answer = await server.get(`referrers/${subject}`);
  expect(JSON.parse(answer.body.toString()).manifests).toEqual(all);
  const filtered = await server.get(
    `referrers/${subject}?artifactType=${encodeURIComponent('application/sig')}`,
  );
  expect(JSON.parse(filtered.body.toString()).manifests).toEqual([all[1]]);
  expect(filtered.headers['oci-filters-applied']).toBe('artifactType');
});

test('a page of referrers is below 4 MiB, and the links lead to each of them once, filtered', async () => {
  const note = 'x'.repeat(100_000);
  const all = [...Array(90).keys()].map((index) => descriptor(index, index % 9 === 0 ? 'b/b' : 'a/a', note));
  await using server = await RegistryServer.start(referrers(all));
  const seen: string[] = [];
  let pages = 0;
  for (let path: string | undefined = `${referrersPath}?artifactType=a%2Fa`; path; pages += 1) {
    const answer = await server.ask('GET', path);
    expect(answer.body.length).toBeLessThan(4 * 1024 * 1024);
    expect(answer.headers['oci-filters-applied']).toBe('artifactType');
    seen.push(...JSON.parse(answer.body.toString()).manifests.map((each: ReferrerDescriptor) => each.digest));
    path = /^<(.+)>; rel="next"$/.exec(linkOf(answer) ?? '')?.[1];
  }
  expect(pages).toBe(2);
  const expected = all.filter((each) => each.artifactType === 'a/a').map((each) => each.digest);
  expect(seen).toEqual(expected.toSorted());
});
