import { expect, test } from 'vitest';
import type { Records } from '../../../src/metadata/db/records.ts';
import { parseTag } from '../../../src/oci/reference.ts';
import { collectAfter, collectorOf } from '../../support/collecting.ts';
import { describeEachDatabase, type EachDatabase } from '../../support/databases.ts';
import { bytesBlob, fakeArtifact, fakeImage, fakeIndex } from '../../support/fake-content.ts';
import { readBlobReviews, readLinkReviews, readPayloadReviews } from '../../support/review-rows.ts';
import {
  bytesOf,
  dayMs,
  type HostedKit,
  nothing,
  partOf,
  pushBlob,
  pushImage,
  putManifest,
  startHosted,
} from '../hosted/hosted-kit.ts';

const image = fakeImage({ layers: [bytesBlob('layer')] });
const v1 = parseTag('v1');
const unknownManifest = { code: 'MANIFEST_UNKNOWN' };
const unknownBlob = { code: 'BLOB_UNKNOWN' };

/** Nothing is left, neither of records nor of bytes, nor waits for a review. */
async function expectNothing({ database, place, files }: HostedKit): Promise<void> {
  expect(await files('blobs')).toEqual([]);
  expect(await database.storedBlobs.list('', 10)).toEqual([]);
  expect(await database.manifests.findSize(image.digest)).toBeUndefined();
  for (const read of [readBlobReviews, readLinkReviews, readPayloadReviews])
    expect(await read(place)).toEqual([]);
}

describeEachDatabase('the collector', (_open, each) => {
  test('removes a blob that was pushed and never used, not before its time: link, record and bytes', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const digest = await pushBlob(repository, 'hello');
    kit.clock.now += dayMs - 1;
    expect(await collectorOf(kit).run()).toMatchObject({ reviewed: 0 });
    expect((await bytesOf(await repository.blob(digest))).toString()).toBe('hello');
    kit.clock.now += 1;
    expect(await collectorOf(kit).run()).toMatchObject({ links: 1, blobs: 1, bytes: 5, failed: 0 });
    await expect(repository.blob(digest)).rejects.toMatchObject(unknownBlob);
    await expectNothing(kit);
    expect(kit.errors).toEqual([]);
  });

  test('leaves alone what a tag reaches, an index and its manifests too', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    await putManifest(repository, fakeIndex({ manifests: [image] }), 'v1');
    expect(await collectAfter(kit, 3, { untaggedMs: 0 })).toMatchObject({ manifests: 0, links: 0, blobs: 0 });
    expect((await repository.manifest(image.digest, true)).payload).toEqual(image.payload);
    for (const blob of image.layers)
      expect((await bytesOf(await repository.blob(blob.digest))).toString()).toBe('layer');
  });

  test('keeps untagged manifests for ever, unless it is told how long', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    await repository.deleteManifest(v1);
    expect(await collectAfter(kit, 100)).toMatchObject({ reviewed: 3, manifests: 0 });
    expect((await repository.manifest(image.digest, true)).payload).toEqual(image.payload);
  });

  test('removes an untagged manifest when it was not pushed for as long as it is told, then what it held', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const index = fakeIndex({ manifests: [image] });
    await pushImage(repository, image);
    await putManifest(repository, index, 'v1');
    await repository.deleteManifest(v1);
    const options = { untaggedMs: 10 * dayMs };
    expect(await collectAfter(kit, 9, options)).toMatchObject({ manifests: 0 });
    // Pushed again, as builds do.
    await putManifest(repository, index, index.digest);
    expect(await collectAfter(kit, 9, options)).toMatchObject({ manifests: 0 });
    expect(await collectAfter(kit, 1, options)).toMatchObject({ manifests: 1, links: 0 });
    await expect(repository.manifest(index.digest, true)).rejects.toMatchObject(unknownManifest);
    expect(await collectAfter(kit, 2, options)).toMatchObject({
      manifests: 1,
      links: 2,
      blobs: 2,
      payloads: 2,
    });
    await expectNothing(kit);
  });

  test('keeps bytes that another repository links, and those of the one only that lost its manifest go', async () => {
    const kit = await startHosted(each);
    const [one, two] = [await kit.repository(), await kit.repository('acme/shop/two')];
    for (const repository of [one, two]) await pushImage(repository, image, 'v1');
    await one.deleteManifest(image.digest);
    expect(await collectAfter(kit, 2)).toMatchObject({ links: 2, blobs: 0, payloads: 0 });
    const [layer] = image.layers;
    await expect(one.blob(layer?.digest ?? image.digest)).rejects.toMatchObject(unknownBlob);
    expect((await bytesOf(await two.blob(layer?.digest ?? image.digest))).toString()).toBe('layer');
    await two.deleteManifest(image.digest);
    expect(await collectAfter(kit, 2)).toMatchObject({ links: 2, blobs: 2, payloads: 1 });
    await expectNothing(kit);
  });

  test('lets referrers follow their subject, and keeps those whose subject never was here', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    const signature = fakeArtifact(image, 'application/x.signature');
    const stranger = fakeArtifact(fakeImage({ architecture: 'elsewhere' }), 'application/x.signature');
    for (const referrer of [signature, stranger]) await pushImage(repository, referrer);
    expect(await collectAfter(kit, 2, { untaggedMs: undefined })).toMatchObject({ manifests: 0 });
    await repository.deleteManifest(image.digest);
    expect(await collectAfter(kit, 1)).toMatchObject({ manifests: 1 });
    await expect(repository.manifest(signature.digest, true)).rejects.toMatchObject(unknownManifest);
    expect((await repository.manifest(stranger.digest, true)).digest).toBe(stranger.digest);
  });

  test('a referrer whose subject came back stays', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const signature = fakeArtifact(image, 'application/x.signature');
    await pushImage(repository, image, 'v1');
    await pushImage(repository, signature);
    await repository.deleteManifest(image.digest);
    await pushImage(repository, image, 'v1');
    expect(await collectAfter(kit, 2)).toMatchObject({ manifests: 0 });
    expect((await repository.manifest(signature.digest, true)).digest).toBe(signature.digest);
  });

  test('a client that was told that a blob is here can rely on it, an hour at least', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const layer = image.layers[0] ?? bytesBlob('');
    await pushImage(repository, image, 'v1');
    await repository.deleteManifest(image.digest);
    kit.clock.now += dayMs - 1000;
    await repository.statBlob(layer.digest);
    kit.clock.now += 60 * 60 * 1000;
    expect(await collectorOf(kit).run()).toMatchObject({ links: 1 });
    await pushBlob(repository, Buffer.concat([...(image.config?.read(0, image.config.size) ?? [])]));
    await putManifest(repository, image, 'v2');
    expect(await collectAfter(kit, 2)).toMatchObject({ links: 0, blobs: 0 });
    expect((await bytesOf(await repository.blob(layer.digest))).toString()).toBe('layer');
  });

  test('a look at a blob that is in use writes nothing', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    await collectAfter(kit, 1);
    for (const { digest } of image.layers) await repository.statBlob(digest);
    expect(await readLinkReviews(kit.place)).toEqual([]);
  });

  test('a commit that is repeated when the blob has gone is not acknowledged', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const id = await repository.uploads.start();
    const digest = bytesBlob('hello').digest;
    await repository.uploads.commit(id, digest, partOf('hello'));
    await repository.uploads.commit(id, digest, nothing);
    await repository.deleteBlob(digest);
    await expect(repository.uploads.commit(id, digest, nothing)).rejects.toMatchObject({
      code: 'BLOB_UPLOAD_UNKNOWN',
    });
  });

  test('an upload of bytes that are collected just before they would be linked keeps them', async () => {
    let collect: (() => Promise<unknown>) | undefined;
    const kit = await startHosted(each, {
      between: (database) =>
        Object.create(database, {
          transaction: {
            value: async <T>(run: (tx: Records) => Promise<T>): Promise<T> => {
              const first = collect;
              collect = undefined;
              await first?.();
              return database.transaction(run);
            },
          },
        }),
    });
    const repository = await kit.repository();
    await pushBlob(await kit.repository('acme/shop/two'), 'hello');
    kit.clock.now += dayMs;
    const id = await repository.uploads.start();
    const { digest } = bytesBlob('hello');
    collect = () => collectorOf(kit).run();
    await repository.uploads.commit(id, digest, partOf('hello'));
    expect((await bytesOf(await repository.blob(digest))).toString()).toBe('hello');
    expect(await kit.files('blobs')).toHaveLength(1);
    expect(await kit.files('uploads')).toEqual([]);
  });

  test('looks at some of each kind in turn, so that none waits for the end of another', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    for (let index = 0; index < 30; index += 1) {
      await pushBlob(repository, `blob ${index}`);
      const config = image.config ?? bytesBlob('');
      const annotations = { index: String(index) };
      await putManifest(repository, fakeImage({ config, layers: image.layers, annotations }), `t${index}`);
      await repository.deleteManifest(parseTag(`t${index}`));
    }
    kit.clock.now += dayMs;
    const kinds: string[] = [];
    await collectorOf(kit).run({ onOutcome: ({ review }) => kinds.push(review.kind) });
    expect(kinds.filter((kind) => kind === 'manifest').length).toBeGreaterThan(20);
    expect(kinds.indexOf('blob')).toBeLessThan(kinds.lastIndexOf('manifest'));
  });

  test('bytes that cannot be deleted are told of, and their record is gone', async () => {
    const kit = await startHosted(each);
    const digest = await pushBlob(await kit.repository(), 'hello');
    const store = { delete: () => Promise.reject(new Error('no answer')) };
    expect(await collectAfter({ ...kit, store }, 1)).toMatchObject({ links: 1, blobs: 1, failed: 1 });
    expect(await kit.database.blobs.find(digest)).toBeUndefined();
    expect(await kit.files('blobs')).toHaveLength(1);
  });

  test('a review that fails is tried again later and later, and a new event forgets that', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const digest = await pushBlob(repository, 'hello');
    const { database } = kit;
    const failing = Object.assign(Object.create(database), {
      transaction: () => Promise.reject(new Error('no connection')),
    });
    const id = (await database.repositories.findByName('acme/shop'))?.id;
    expect(await collectAfter({ ...kit, database: failing }, 1)).toMatchObject({ reviewed: 0, failed: 1 });
    const first = await database.reviewQueue.find('link', digest, id);
    expect(first).toMatchObject({ failures: 1, lastError: 'no connection' });
    expect(await collectorOf({ ...kit, database: failing }).run()).toMatchObject({ failed: 0 });
    kit.clock.now = first?.reviewAfter ?? 0;
    await collectorOf({ ...kit, database: failing }).run();
    const second = await database.reviewQueue.find('link', digest, id);
    expect(second?.failures).toBe(2);
    expect((second?.reviewAfter ?? 0) - kit.clock.now).toBe(
      2 * ((first?.reviewAfter ?? 0) - kit.clock.now + 10_000),
    );
    await pushBlob(repository, 'hello');
    expect(await database.reviewQueue.find('link', digest, id)).toMatchObject({
      failures: 0,
      lastError: undefined,
    });
  });
});

describeEachDatabase('reviews that are claimed', (_open, each) => {
  test('are left alone by others until the claim is over', async () => {
    const { kit, claim } = await startWithReview(each);
    const [review] = await claim();
    expect(await claim()).toEqual([]);
    kit.clock.now += 60_000;
    const [again] = await claim();
    expect(again?.digest).toBe(review?.digest);
    expect(review && (await kit.database.reviewQueue.isOurs(review))).toBe(false);
  });

  test('are given up for an event that comes in between', async () => {
    const { kit, claim, digest } = await startWithReview(each);
    const [review] = await claim();
    await (await kit.repository()).mount(digest, await kit.repository());
    expect(review && (await kit.database.reviewQueue.isOurs(review))).toBe(false);
    expect(await claim()).toEqual([]);
  });

  test('are each made once, by any number of processes', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    for (let index = 0; index < 60; index += 1) await pushBlob(repository, `blob ${index}`);
    kit.clock.now += dayMs;
    const others = [await each.open(kit.place), await each.open(kit.place)];
    const runs = [kit.database, ...others].map((database) => collectorOf({ ...kit, database }).run());
    const counts = await Promise.all(runs);
    expect(counts.reduce((sum, { links }) => sum + links, 0)).toBe(60);
    expect(counts.reduce((sum, { blobs }) => sum + blobs, 0)).toBe(60);
    expect(await kit.files('blobs')).toEqual([]);
  });

  async function startWithReview(database: EachDatabase) {
    const kit = await startHosted(database);
    const digest = await pushBlob(await kit.repository(), 'hello');
    kit.clock.now += dayMs;
    const claim = () => kit.database.reviewQueue.claim('link', { isEarly: false, limit: 10 }, 60_000);
    return { kit, claim, digest };
  }
});
