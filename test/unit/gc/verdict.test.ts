import { expect, test } from 'vitest';
import { judge, type Verdict } from '../../../src/gc/verdict.ts';
import type { Without } from '../../../src/metadata/collector/holders.ts';
import type { ReviewKind } from '../../../src/metadata/collector/review-queue.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { openSqlite } from '../../support/databases.ts';
import { pushImage } from '../../support/hosted-images.ts';
import { createRepository, digestOfText, linkBlob, manifestOf } from '../../support/hosted-records.ts';

const startedAt = 1000;

async function start() {
  const clock = { now: startedAt };
  const database = await openSqlite(() => clock.now);
  const { id } = await createRepository(database, 'acme/shop');
  const judged = async (
    kind: ReviewKind,
    digest: Digest,
    { untaggedMs, without }: { untaggedMs?: number; without?: Without } = {},
  ): Promise<Verdict['is'] | Verdict> =>
    judge(database, { untaggedMs, now: () => clock.now }, { kind, digest, repositoryId: id }, without);
  return { clock, database, id, judged };
}

const goneManifests = (id: number, ...digests: Digest[]): Without => ({
  manifests: new Map([[id, new Set(digests)]]),
  links: new Map(),
});

test.each(['manifest', 'link', 'blob', 'payload'] as const)(
  'a %s that is not there any more is gone',
  async (kind) => {
    const { judged } = await start();
    expect(await judged(kind, digestOfText('nothing'))).toEqual({ is: 'gone' });
  },
);

test('what an image has is held by what has it, from its tag down', async () => {
  const { database, id, judged } = await start();
  const part = { kind: 'layer', text: 'layer', size: 5 } as const;
  const image = await pushImage(database, id, ['v1'], [part]);
  const layer = digestOfText('layer');
  const repository = { by: 'repository', repositoryId: id, repository: 'acme/shop' };
  expect(await judged('manifest', image)).toEqual({ is: 'held', by: { by: 'tag', tag: 'v1' } });
  expect(await judged('link', layer)).toEqual({ is: 'held', by: { by: 'manifest', digest: image } });
  expect(await judged('blob', layer)).toEqual({ is: 'held', by: repository });
  expect(await judged('payload', image)).toEqual({ is: 'held', by: repository });
  // Were its manifest gone already, and what follows from that:
  const without = goneManifests(id, image);
  expect(await judged('link', layer, { without })).toMatchObject({ is: 'garbage' });
  expect(await judged('payload', image, { without })).toMatchObject({ is: 'garbage' });
  const links = new Map([[id, new Set([layer])]]);
  expect(await judged('blob', layer, { without: { ...without, links } })).toMatchObject({ is: 'garbage' });
});

test.each([
  ['link', 'no manifest of the repository refers to it'],
  ['blob', 'no repository links it, and no cache entry'],
])('a %s that nothing holds goes, and why is told', async (kind, why) => {
  const { database, id, judged } = await start();
  const { digest } = await linkBlob(database, id, 'blob');
  if (kind === 'blob') await database.repositoryBlobs.unlink(id, digest);
  expect(await judged(kind as ReviewKind, digest)).toEqual({ is: 'garbage', why });
});

test('a payload that nothing holds goes, and why is told', async () => {
  const { database, id, judged } = await start();
  const digest = await pushImage(database, id, []);
  await database.repositoryManifests.remove(id, digest);
  const why = 'no repository has the manifest, and no cache entry';
  expect(await judged('payload', digest)).toEqual({ is: 'garbage', why });
});

test('an untagged manifest is kept for as long as the rule says after its last use, or for ever', async () => {
  const { clock, database, id, judged } = await start();
  const digest = await pushImage(database, id, []);
  const forEver = 'untagged manifests are kept for ever (gc.untagged)';
  expect(await judged('manifest', digest)).toEqual({ is: 'kept', until: undefined, why: forEver });
  clock.now += 99;
  expect(await judged('manifest', digest, { untaggedMs: 100 })).toEqual({
    is: 'kept',
    until: startedAt + 100,
    why: 'it was pushed or pulled within the time of gc.untagged',
  });
  clock.now += 1;
  expect(await judged('manifest', digest, { untaggedMs: 100 })).toEqual({
    is: 'garbage',
    why: 'no tag or index names it, and it was not pushed or pulled for as long as gc.untagged says',
  });
});

test('a referrer is held by its subject, and goes when that went, whatever the rule says', async () => {
  const { database, id, judged } = await start();
  const subject = await pushImage(database, id, ['v1']);
  const referrer = manifestOf('referrer', { subject });
  await database.repositoryManifests.save(id, referrer);
  const { digest } = referrer;
  expect(await judged('manifest', digest)).toEqual({ is: 'held', by: { by: 'subject', digest: subject } });
  const garbage = { is: 'garbage', why: `its subject ${subject} is gone, and no tag or index names it` };
  expect(await judged('manifest', digest, { without: goneManifests(id, subject) })).toEqual(garbage);
  expect(await judged('manifest', digest, { without: goneManifests(id + 1, subject) })).toMatchObject({
    is: 'held',
  });
  await database.repositoryManifests.remove(id, subject);
  expect(await judged('manifest', digest)).toEqual(garbage);
});

test('a referrer whose subject never was there is an untagged manifest like any other', async () => {
  const { database, id, judged } = await start();
  const referrer = manifestOf('referrer', { subject: digestOfText('elsewhere') });
  await database.repositoryManifests.save(id, referrer);
  const other = goneManifests(id, digestOfText('other'));
  for (const without of [undefined, other])
    expect(await judged('manifest', referrer.digest, without && { without })).toMatchObject({ is: 'kept' });
});
