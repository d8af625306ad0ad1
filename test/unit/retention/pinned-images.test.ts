import { describe, expect, test } from 'vitest';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { findPinnedBytes } from '../../../src/retention/pinned-bytes.ts';
import { PinnedImages } from '../../../src/retention/pinned-images.ts';
import { digestOfText } from '../../support/hosted-records.ts';
import { cacheBlob, cacheImage, createCache, startCached } from './cached-kit.ts';

const digest = digestOfText('pinned');
const pin = { id: 1, registryId: 1, createdAt: 0, upstreamId: 1, tag: undefined, digest: undefined };
const entry = {
  upstreamId: 1,
  kind: 'manifest' as const,
  repository: parseRepositoryName('team/app'),
  reference: 'v1',
  digest,
};

describe('a pin', () => {
  const redis = { repository: parseRepositoryName('library/redis') };
  test.each([
    ['of a name keeps it', { image: 'team/app' }, {}, true],
    ['of a name keeps no other', { image: 'team/other' }, {}, false],
    ['of a pattern keeps what matches', { image: 'team/*' }, {}, true],
    ['keeps blobs where it is of the whole repository', { image: 'team/app' }, { kind: 'blob' }, true],
    ['keeps nothing of another upstream', { image: 'team/app' }, { upstreamId: 2 }, false],
    ['of a tag keeps that tag', { image: 'team/app', tag: 'v*' }, {}, true],
    ['of a tag keeps no other', { image: 'team/app', tag: 'v*' }, { reference: 'edge' }, false],
    ['of a tag keeps no blob by itself', { image: 'team/app', tag: 'v1' }, { kind: 'blob' }, false],
    ['of a digest keeps it under any reference', { image: 'team/app', digest }, {}, true],
    ['of a digest keeps no other', { image: 'team/app', digest: digestOfText('other') }, {}, false],
    ['of a digest keeps no blob by itself', { image: 'team/app', digest }, { kind: 'blob' }, false],
    ['of an official image names it as clients do', { image: 'redis' }, redis, true],
    ['of an official image names it as the upstream does', { image: 'library/redis' }, redis, true],
    ['of a name means no longer one', { image: 'redis' }, { repository: 'team/library/redis' }, false],
    ['that no name can match keeps nothing', { image: 'team/app\n' }, {}, false],
    ['of a tag that none can match keeps nothing', { image: 'team/app', tag: 'v1\n' }, {}, false],
  ] as const)('%s', (_, of, as, isPinned) => {
    expect(new PinnedImages([{ ...pin, ...of }]).has({ ...entry, ...as } as typeof entry)).toBe(isPinned);
  });

  test('holds beside others of the same upstream', () => {
    const pinned = new PinnedImages(['team/other', 'team/app', 'team'].map((image) => ({ ...pin, image })));
    expect(pinned.has(entry)).toBe(true);
  });
});

test('bytes that are pinned are those of all that pinned manifests reach, each blob once, in the group alone', async () => {
  const { database } = await startCached();
  const [acme, other] = [await createCache(database), await createCache(database, 'other')];
  const second = await createCache(database);
  const child = await cacheImage(database, acme, 'team/app', {
    reference: 'amd64',
    layers: { base: 1000, child: 100 },
  });
  await cacheImage(database, acme, 'team/app', { children: [child], layers: { base: 1000 } });
  await cacheImage(database, acme, 'team/app', { reference: 'edge', layers: { edge: 10 } });
  await cacheImage(database, second, 'team/app', { layers: { second: 1 } });
  await cacheImage(database, other, 'team/app', { layers: { theirs: 10_000 } });
  await cacheBlob(database, acme, 'team/app', 'alone', 100_000);
  expect(await findPinnedBytes(database, acme.groupId)).toBe(0);
  const pinTo = ({ registryId }: typeof acme, tag: string) =>
    database.cachePins.create({ registryId, image: 'team/app', tag, digest: undefined });
  await pinTo(acme, 'v1');
  await pinTo(other, '*');
  expect(await findPinnedBytes(database, acme.groupId)).toBe(1100);
  await pinTo(second, 'v1');
  expect(await findPinnedBytes(database, acme.groupId)).toBe(1101);
});
