import { describe, expect, test } from 'vitest';
import { parseTag } from '../../../../src/oci/reference.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import {
  descriptorOf,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../../../support/fake-content.ts';
import { readBlobReviews, readLinkReviews, readManifestReviews } from '../../../support/review-rows.ts';
import {
  bytesOf,
  type HostedKit,
  manifestOf,
  pushBlob,
  pushImage,
  putManifest,
  startHosted,
} from '../hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const index = fakeIndex({ manifests: [image] });
const layer = image.layers[0]?.digest ?? image.digest;
const everything = { after: '', limit: 100 };
const [v1, v2] = [parseTag('v1'), parseTag('v2')];
const unknown = { code: 'MANIFEST_UNKNOWN', status: 404 };

async function lastEvent(kit: HostedKit) {
  return (await kit.database.auditEvents.list({}, { page: 1, perPage: 1 })).records[0];
}

describeEachDatabase('what is deleted', (_open, each) => {
  test('as a tag is only the tag', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    await putManifest(repository, image, 'v2');
    await repository.deleteManifest(v1);
    await expect(repository.manifest(v1, true)).rejects.toMatchObject(unknown);
    expect((await repository.tags(everything)).tags).toEqual(['v2']);
    expect((await repository.manifest(image.digest, true)).payload).toEqual(image.payload);
    await expect(repository.deleteManifest(v1)).rejects.toMatchObject(unknown);
    expect(await readManifestReviews(kit.place)).toMatchObject([
      { digest: image.digest, event: 'tag_delete' },
    ]);
    expect(await lastEvent(kit)).toMatchObject({
      action: 'tag.delete',
      actorName: 'alice',
      targetType: 'tag',
      targetId: 'acme/shop:v1',
      details: { repository: 'acme/shop', digest: image.digest },
    });
  });

  test('as a manifest takes its tags with it, and leaves other repositories theirs', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const elsewhere = await kit.repository('acme/shop/web');
    await pushImage(elsewhere, image, 'v1');
    await pushImage(repository, image, 'v1');
    await putManifest(repository, image, 'v2');
    await repository.deleteManifest(image.digest);
    for (const reference of [v1, v2, image.digest])
      await expect(repository.manifest(reference, true)).rejects.toMatchObject(unknown);
    expect((await repository.tags(everything)).tags).toEqual([]);
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject(unknown);
    expect((await elsewhere.manifest(v1, true)).digest).toBe(image.digest);
    expect(await lastEvent(kit)).toMatchObject({
      action: 'manifest.delete',
      targetType: 'manifest',
      targetId: `acme/shop@${image.digest}`,
    });
  });

  test('as a manifest puts all that belonged to it up for review', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image);
    const signature = fakeArtifact(image, 'application/x.signature');
    await pushImage(repository, signature, 'signature');
    await putManifest(repository, index, 'v1');
    await repository.deleteManifest(index.digest);
    await repository.deleteManifest(image.digest);
    const blobs = await readLinkReviews(kit.place);
    expect(blobs.filter(({ event }) => event === 'manifest_delete').map(({ digest }) => digest)).toEqual(
      [layer, image.config?.digest].toSorted(),
    );
    // The image is gone by now, and what was said of it with it; its signature lost its subject.
    expect(await readManifestReviews(kit.place)).toMatchObject([
      { digest: signature.digest, event: 'manifest_delete' },
    ]);
  });

  test('as a referrer puts its subject up for review', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    const signature = fakeArtifact(image, 'application/x.signature');
    await pushImage(repository, signature, 'signature');
    await repository.deleteManifest(signature.digest);
    expect(await readManifestReviews(kit.place)).toMatchObject([
      { digest: image.digest, event: 'manifest_delete' },
    ]);
  });

  test('as a blob is only this repository’s link to it', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const elsewhere = await kit.repository('acme/shop/web');
    const digest = await pushBlob(repository, 'hello');
    await pushBlob(elsewhere, 'hello');
    await repository.deleteBlob(digest);
    const refusal = { code: 'BLOB_UNKNOWN', status: 404 };
    await expect(repository.statBlob(digest)).rejects.toMatchObject(refusal);
    await expect(repository.deleteBlob(digest)).rejects.toMatchObject(refusal);
    expect((await bytesOf(await elsewhere.blob(digest))).toString()).toBe('hello');
    expect(await readBlobReviews(kit.place)).toMatchObject([{ digest, event: 'blob_delete' }]);
    expect(await lastEvent(kit)).toMatchObject({
      action: 'blob.delete',
      targetType: 'blob',
      targetId: `acme/shop@${digest}`,
    });
    await pushBlob(repository, 'hello');
    expect(await repository.statBlob(digest)).toMatchObject({ size: 5 });
  });

  test('where nothing was pushed is unknown', async () => {
    const repository = await (await startHosted(each)).repository();
    await expect(repository.deleteManifest(v1)).rejects.toMatchObject(unknown);
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject(unknown);
    await expect(repository.deleteBlob(layer)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('although something refers to it goes all the same, unless that is protected', async () => {
    const repository = await (await startHosted(each)).repository();
    await pushImage(repository, image);
    await putManifest(repository, index, 'v1');
    await repository.deleteBlob(layer);
    await repository.deleteManifest(image.digest);
    expect((await repository.manifest(v1, true)).digest).toBe(index.digest);
  });

  describe('where what is referred to is protected', () => {
    test('is no manifest that an index lists, until the index is gone', async () => {
      const kit = await startHosted(each, { protectReferencedManifests: true });
      const repository = await kit.repository();
      await pushImage(repository, image, 'image');
      await putManifest(repository, index, 'v1');
      await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject({
        code: 'MANIFEST_REFERENCED',
        status: 409,
      });
      expect((await repository.manifest(parseTag('image'), true)).digest).toBe(image.digest);
      await repository.deleteManifest(parseTag('image'));
      await repository.deleteManifest(index.digest);
      await repository.deleteManifest(image.digest);
    });

    test('is no blob that a manifest refers to, until the manifest is gone', async () => {
      const kit = await startHosted(each, { protectReferencedManifests: true });
      const repository = await kit.repository();
      await pushImage(repository, image, 'v1');
      const cache = await pushBlob(repository, 'what a builder keeps');
      const listed = { mediaType: 'application/x', digest: cache, size: 20 };
      const list = manifestOf({ schemaVersion: 2, manifests: [listed] });
      const { digest } = await putManifest(repository, list, 'cache');
      const refusal = { code: 'DENIED', status: 409 };
      await expect(repository.deleteBlob(layer)).rejects.toMatchObject(refusal);
      await expect(repository.deleteBlob(cache)).rejects.toMatchObject(refusal);
      await repository.deleteManifest(image.digest);
      await repository.deleteManifest(digest);
      await repository.deleteBlob(layer);
      await repository.deleteBlob(cache);
    });

    test('is a subject, whose referrers stay', async () => {
      const kit = await startHosted(each, { protectReferencedManifests: true });
      const repository = await kit.repository();
      await pushImage(repository, image, 'v1');
      const referrer = fakeImage({ subject: descriptorOf(image) });
      await pushImage(repository, referrer);
      await repository.deleteManifest(image.digest);
      expect((await repository.referrers(image.digest)).descriptors).toHaveLength(1);
    });
  });

  test('is nothing where deleting is turned off', async () => {
    const repository = await (await startHosted(each, { deleteEnabled: false })).repository();
    await pushImage(repository, image, 'v1');
    const refusal = { code: 'UNSUPPORTED', status: 405 };
    await expect(repository.deleteManifest(v1)).rejects.toMatchObject(refusal);
    await expect(repository.deleteManifest(image.digest)).rejects.toMatchObject(refusal);
    await expect(repository.deleteBlob(layer)).rejects.toMatchObject(refusal);
    expect((await repository.manifest(v1, true)).digest).toBe(image.digest);
  });
});
