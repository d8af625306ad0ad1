import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName, parseTag } from '../../../src/oci/reference.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { hourMs, nameOf, nth, settled, startProxy, stopTime } from './proxy-kit.ts';

const one = fakeImage({ architecture: 'amd64' });
const two = fakeImage({ architecture: 'arm64' });
const v1 = parseTag('v1');

test('what is no virtual registry, or none that exists, has no repositories', async () => {
  const { registries } = await startProxy();
  expect(await registries.find(parseRepositoryName('acme/shop'))).toBeUndefined();
  expect(await registries.find(nameOf(2))).toBeUndefined();
  expect(await registries.view(2)).toBeUndefined();
});

test('a virtual registry that is known is found at once', async () => {
  stopTime();
  const { registries } = await startProxy();
  expect(registries.find(nameOf())).toBeInstanceOf(Promise);
  await registries.view(1);
  expect(registries.find(nameOf())).not.toBeInstanceOf(Promise);
});

test('images of one name in two virtual registries, and two images of one, are told apart', async () => {
  const { upstream, repository, addRegistry } = await startProxy();
  upstream.add(one, 'v1');
  const other = await addRegistry([{}]);
  nth(other.upstreams, 0).add(two, 'v1');
  const pull = async (registryId: number, image: string) =>
    (await (await repository(registryId, image)).manifest(v1, true)).digest;
  expect(await Promise.all([pull(1, 'app'), pull(other.id, 'app')])).toEqual([one.digest, two.digest]);
  upstream.add(two, 'v1');
  expect(await pull(1, 'other')).toBe(two.digest);
  expect(await Promise.all([pull(1, 'app'), pull(other.id, 'app')])).toEqual([one.digest, two.digest]);
  const subject = digestOf(Buffer.from('subject'));
  const answers = await Promise.all(
    ['app', 'other'].map(async (image) => (await repository(1, image)).referrers(subject)),
  );
  expect(answers.map(({ outcome }) => outcome)).toEqual(['miss', 'miss']);
});

test('what is changed is seen at once where this process is told', async () => {
  stopTime();
  const { upstream, upstreams, manifest, registries, database, entryOf, clock } = await startProxy();
  upstream.add(one, 'v1');
  await manifest('v1');
  await database.cacheEntries.remove((await entryOf(upstream, 'v1'))?.id ?? 0);
  expect((await manifest('v1')).outcome).toBe('hit');
  registries.forgetAll();
  expect((await manifest('v1')).outcome).toBe('miss');
  clock.now += 24 * hourMs;
  upstreams.length = 0;
  registries.forgetAll();
  await expect(manifest('v1')).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
});

test('tags are those of all upstreams whose patterns allow the image', async () => {
  const { upstreams, repository } = await startProxy({ upstreams: [{}, { denyPatterns: ['app'] }, {}] });
  for (const [index, tag] of ['a', 'b', 'c'].entries()) nth(upstreams, index).add(one, tag);
  expect(await (await repository()).tags({ after: '', limit: 10 })).toEqual({
    tags: ['a', 'c'],
    hasMore: false,
    outcome: 'miss',
  });
});

test('each question is asked no longer for who has left', async () => {
  const { upstream, repository } = await startProxy();
  for (const question of ['HEAD manifest', 'HEAD blob', 'tags', 'referrers'] as const)
    upstream.hold(question);
  const leaving = new AbortController();
  const { signal } = leaving;
  const asked = await repository();
  const digest = digestOf(Buffer.from('x'));
  const questions = [
    asked.manifest(v1, true, signal),
    asked.statBlob(digest, signal),
    asked.tags({ after: '', limit: 1 }, signal),
    asked.referrers(digest, signal),
  ];
  await settled();
  expect(upstream.asked).toHaveLength(4);
  leaving.abort(new Error('left'));
  for (const question of questions) await expect(question).rejects.toThrow('left');
});
