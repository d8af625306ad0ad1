import { describe, expect, test } from 'vitest';
import type { Outcome } from '../../../src/gc/collector.ts';
import { type DryRunOptions, dryRun } from '../../../src/gc/dry-run.ts';
import { applyUntaggedRule } from '../../../src/gc/untagged-rule.ts';
import type { Digest } from '../../../src/oci/digest.ts';
import { collectorOf } from '../../support/collecting.ts';
import { pushImage } from '../../support/hosted-images.ts';
import { createRepository, digestOfText, manifestOf } from '../../support/hosted-records.ts';
import { dayMs, startStored } from './stored-kit.ts';

type Options = Omit<DryRunOptions, 'now' | 'onOutcome'>;

const nothing = { reviewed: 0, manifests: 0, links: 0, blobs: 0, bytes: 0, payloads: 0, failed: 0 };

async function start() {
  const kit = await startStored();
  const { clock, database } = kit;
  const { id } = await createRepository(database, 'acme/shop');
  /** What an image of these layers is, which has no tag and is due for review. */
  const pushUntagged = async (...layers: readonly string[]) => {
    const parts = layers.map((text) => ({ kind: 'layer' as const, text, size: text.length }));
    const digest = await pushImage(database, id, [], parts);
    await database.reviews.addUntagged(id);
    return digest;
  };
  const dry = async (options: Options) => {
    const outcomes: Outcome[] = [];
    const onOutcome = (outcome: Outcome) => void outcomes.push(outcome);
    const counts = await database.transaction((tx) => dryRun(tx, { ...options, now: kit.now, onOutcome }));
    return { counts, outcomes };
  };
  /** What would be done, which is then done. */
  const both = async (options: Options) => {
    const would = await dry(options);
    const done: Outcome[] = [];
    await applyUntaggedRule(database, options);
    const did = await collectorOf(kit, options).run({
      ...options,
      onOutcome: (outcome) => void done.push(outcome),
    });
    expect(garbageOf(would.outcomes).toSorted()).toEqual(garbageOf(done).toSorted());
    expect({ ...would.counts, reviewed: 0 }).toEqual({ ...did, reviewed: 0 });
    expect(would.counts.reviewed).toBe(would.outcomes.length);
    return would.counts;
  };
  const pushTo = async (repositoryId: number, text: string) => {
    const blob = await kit.write(text);
    await database.repositoryBlobs.link(repositoryId, blob.digest, blob);
    await database.reviews.addLinks(repositoryId, [blob.digest], 'blob_upload');
    return blob.digest;
  };
  return { ...kit, clock, id, pushUntagged, dry, both, upload: (text: string) => pushTo(id, text), pushTo };
}

function garbageOf(outcomes: readonly Outcome[]): readonly string[] {
  return outcomes
    .filter(({ verdict }) => verdict.is === 'garbage')
    .map(({ review, bytes }) => `${review.kind} ${review.repositoryId} ${review.digest} ${bytes}`);
}

describe('a dry run', () => {
  test('changes nothing, and tells of each thing in its order', async () => {
    const { clock, database, dry, pushUntagged, upload } = await start();
    const image = await pushUntagged('layer');
    const unused = await upload('unused');
    clock.now += dayMs;
    const due = { isEarly: false, limit: 10 };
    const before = await database.reviewQueue.list('link', due);
    const { outcomes, counts } = await dry({ untaggedMs: 2 * dayMs });
    expect(outcomes.map(({ review: { kind, digest }, verdict }) => [kind, digest, verdict.is])).toEqual([
      ['manifest', image, 'kept'],
      ['link', unused, 'garbage'],
      ['blob', unused, 'garbage'],
    ]);
    expect(outcomes.map(({ bytes }) => bytes)).toEqual([0, 0, 6]);
    expect(counts).toEqual({ ...nothing, reviewed: 3, links: 1, blobs: 1, bytes: 6 });
    expect(await database.reviewQueue.list('link', due)).toEqual(before);
  });

  test('tells after what each thing would go', async () => {
    const { clock, database, dry, id, pushUntagged, upload } = await start();
    const image = await pushUntagged('layer');
    const review = await database.reviewQueue.find('manifest', image, id);
    if (review) await database.reviewQueue.remove(review);
    await upload('unused');
    clock.now += dayMs;
    const { outcomes } = await dry({ untaggedMs: 0, isEarly: true });
    const events = outcomes
      .filter(({ verdict }) => verdict.is === 'garbage')
      .map(({ review: { kind, event } }) => `${kind} ${event}`);
    expect(events).toEqual([
      'manifest untagged',
      'link blob_upload',
      'link manifest_delete',
      'blob link_collect',
      'blob link_collect',
      'payload manifest_delete',
    ]);
  });

  test('needs nobody who listens', async () => {
    const { clock, database, now, upload } = await start();
    await upload('unused');
    clock.now += dayMs;
    expect(await dryRun(database, { untaggedMs: 0, now })).toMatchObject({ links: 1, blobs: 1 });
  });
});

describe('a dry run says what the run then removes', () => {
  test('nothing, where nothing is due', async () => {
    const { both, upload } = await start();
    await upload('unused');
    expect(await both({ untaggedMs: undefined })).toEqual(nothing);
  });

  test('a manifest alone, where what it held waits for another delay, though it were due', async () => {
    const { clock, database, id, both, pushUntagged } = await start();
    await pushUntagged('layer');
    await database.reviews.addLinks(id, [digestOfText('layer')], 'blob_upload');
    clock.now += dayMs;
    expect(await both({ untaggedMs: 0 })).toEqual({ ...nothing, reviewed: 1, manifests: 1 });
  });

  test('a manifest with all that it held, where no delay counts', async () => {
    const { both, pushUntagged } = await start();
    await pushUntagged('layer', 'other');
    expect(await both({ untaggedMs: 0, isEarly: true })).toMatchObject({
      manifests: 1,
      links: 2,
      blobs: 2,
      bytes: 'layerother'.length,
      payloads: 1,
    });
  });

  test('an index with what it lists, and referrers with their subject', async () => {
    const { database, id, both, pushUntagged } = await start();
    const child = await pushUntagged('layer');
    const reference = { kind: 'manifest', digest: child, size: 1, mediaType: 'application/json' } as const;
    const index = manifestOf('index', { references: [reference] });
    await database.repositoryManifests.save(id, index);
    // As pushes record it: the subject is one of its references, so that each brings up the other.
    const subject = { ...reference, kind: 'subject', digest: index.digest } as const;
    const signature = manifestOf('signature', { subject: index.digest, references: [subject] });
    await database.repositoryManifests.save(id, signature);
    const other = manifestOf('other', { subject: digestOfText('elsewhere') });
    await database.repositoryManifests.save(id, other);
    await database.tags.put(id, 'v1' as never, other.digest);
    const once = { untaggedMs: 0, isEarly: true, isOnce: true };
    expect(await both(once)).toMatchObject({ manifests: 3, links: 1, blobs: 1, payloads: 3 });
    expect(await database.repositoryManifests.find(id, other.digest)).toBeDefined();
  });

  test('no bytes that another repository links', async () => {
    const { clock, database, both, pushTo, upload } = await start();
    const { id: otherId } = await createRepository(database, 'acme/other');
    await pushTo(otherId, 'shared');
    await pushImage(database, otherId, ['v1'], [{ kind: 'layer', text: 'shared', size: 6 }]);
    await upload('shared');
    clock.now += dayMs;
    expect(await both({ untaggedMs: undefined })).toEqual({ ...nothing, reviewed: 3, links: 1 });
  });

  test('bytes once, whose last two links go', async () => {
    const { clock, database, both, pushTo, upload } = await start();
    const { id: otherId } = await createRepository(database, 'acme/other');
    for (const push of [upload, (text: string) => pushTo(otherId, text)]) await push('shared');
    clock.now += dayMs;
    expect(await both({ untaggedMs: undefined })).toEqual({
      ...nothing,
      reviewed: 3,
      links: 2,
      blobs: 1,
      bytes: 6,
    });
  });

  test.each([
    ['no bytes that an event wants to be looked at later', false, 0],
    ['bytes that an event wants to be looked at later, where no delay counts', true, 1],
  ])('%s', async (_, isEarly, blobs) => {
    const { clock, database, both, upload } = await start();
    const digest = await upload('unused');
    clock.now += dayMs;
    await database.reviews.addBlobs([digest], 'blob_upload');
    expect(await both({ untaggedMs: undefined, isEarly })).toMatchObject({ links: 1, blobs });
  });

  test.each([
    ['later, where no delay counts', true, 0],
    ['now', false, dayMs],
  ])(
    'bytes that are freed in one repository, and that an event wants to be looked at %s',
    async (_, isEarly, waitedMs) => {
      const { clock, database, id, both, upload } = await start();
      const digest = await upload('unused');
      clock.now += dayMs;
      await database.reviews.addBlobs([digest], 'blob_upload');
      clock.now += waitedMs;
      expect(await both({ untaggedMs: undefined, isEarly, repositoryId: id })).toMatchObject({
        links: 1,
        blobs: 1,
      });
    },
  );

  test('bytes that wait for their review already', async () => {
    const { clock, database, both, upload } = await start();
    const digest = await upload('unused');
    await database.reviews.addBlobs([digest], 'blob_upload');
    clock.now += dayMs;
    expect(await both({ untaggedMs: undefined })).toEqual({
      ...nothing,
      reviewed: 2,
      links: 1,
      blobs: 1,
      bytes: 6,
    });
  });

  test('payloads, where their time has come', async () => {
    const { clock, database, id, both, pushUntagged } = await start();
    const image = await pushUntagged();
    await database.repositoryManifests.remove(id, image);
    clock.now += dayMs;
    expect(await both({ untaggedMs: undefined })).toEqual({ ...nothing, reviewed: 1, payloads: 1 });
  });

  test('what one repository has, and what is of use to nobody by that', async () => {
    const { clock, database, id, dry, both, pushTo, pushUntagged, upload } = await start();
    const { id: otherId } = await createRepository(database, 'acme/other');
    await pushTo(otherId, 'theirs');
    const loose = await pushTo(otherId, 'loose');
    await database.repositoryBlobs.unlink(otherId, loose);
    await database.reviews.addBlobs([loose], 'link_collect');
    const image = await pushUntagged('layer');
    await upload('ours');
    clock.now += dayMs;
    const ofOne = { untaggedMs: 0, isEarly: true, repositoryId: id };
    const { outcomes } = await dry(ofOne);
    const digests = [image, digestOfText('layer'), digestOfText('ours')];
    const looked = outcomes
      .filter(({ verdict }) => verdict.is === 'garbage')
      .map(({ review }) => review.digest);
    expect(new Set<Digest>(looked)).toEqual(new Set(digests));
    expect(await both(ofOne)).toMatchObject({ manifests: 1, links: 2, blobs: 2, payloads: 1 });
  });

  test('what a rule for manifests without a tag that is new brings up, each once', async () => {
    const { clock, both, pushUntagged } = await start();
    await pushUntagged('a');
    await pushUntagged('b');
    clock.now += dayMs;
    expect(await both({ untaggedMs: dayMs })).toEqual({ ...nothing, reviewed: 2, manifests: 2 });
  });

  test('nothing that a tag came to meanwhile', async () => {
    const { database, id, both, pushUntagged } = await start();
    const image = await pushUntagged('layer');
    await database.tags.put(id, 'v1' as never, image);
    expect(await both({ untaggedMs: 0 })).toEqual({ ...nothing, reviewed: 1 });
  });

  test('all, however much is due', async () => {
    const { clock, database, id, pushMany, dry } = await start();
    const blobs = await pushMany(1001);
    const digests = blobs.map(({ digest }) => digest);
    await database.reviews.addBlobs(digests.slice(0, 1000), 'blob_upload');
    clock.now += 1;
    await database.repositoryBlobs.unlink(id, digests.at(-1) as Digest);
    await database.reviews.addBlobs(digests.slice(1000), 'blob_upload');
    clock.now += dayMs;
    expect((await dry({ untaggedMs: undefined })).counts).toMatchObject({ reviewed: 1001, blobs: 1 });
  });
});
