import { expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { ociManifest } from '../../../../src/oci/media-types.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import type { ReferrerDescriptor } from '../../../../src/oci/repository.ts';
import { type Answer, errorsOf, lasting, RegistryServer, repositoryName } from './registry-server.ts';

function linkOf({ headers }: Answer): string | undefined {
  return [headers['link']].flat()[0];
}

const tags = (names: readonly string[]) => ({
  tags: async () => ({ tags: names.map(parseTag), outcome: 'stale' as const }),
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
  ['?n=0', [], undefined],
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

test.each([['-1'], ['abc'], ['1.5'], ['']])('n=%s is refused', async (n) => {
  await using server = await RegistryServer.start(tags(['a']));
  const answer = await server.get(`tags/list?n=${n}`);
  expect(answer.status).toBe(400);
  expect(errorsOf(answer)).toMatchObject([{ code: 'PAGINATION_NUMBER_INVALID' }]);
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
