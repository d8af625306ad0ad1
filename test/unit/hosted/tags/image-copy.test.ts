import { expect, test } from 'vitest';
import type { HostedRefusal } from '../../../../src/hosted/changes/refusal.ts';
import { digestOf } from '../../../../src/oci/digest.ts';
import { ociIndex } from '../../../../src/oci/media-types.ts';
import { parseRepositoryName, parseTag } from '../../../../src/oci/reference.ts';
import { describeEachDatabase } from '../../../support/databases.ts';
import { descriptorOf, fakeImage, fakeIndex, seededBlob } from '../../../support/fake-content.ts';
import { manifestOf } from '../../../support/hosted-records.ts';
import { alice, bob, type HostedKit, pushBlob, pushImage, putManifest, startHosted } from '../hosted-kit.ts';

const image = fakeImage({ layers: [seededBlob(1000, 1)] });
const live = 'acme/shop/live';

/** What acme/shop has as this tag, to acme/shop/live. */
async function copy({ database, repositories, name }: HostedKit, tag = 'v1', withReferrers = false) {
  const repositoryId = (await database.repositories.findByName(name))?.id ?? 0;
  const source = { repositoryId, repository: name, tag: parseTag(tag), withReferrers };
  return repositories.copy(source, { name: parseRepositoryName(live), tag: parseTag(tag) }, bob);
}

function kindOf(copying: Promise<unknown>): Promise<unknown> {
  return copying.then(
    () => 'copied',
    (error: HostedRefusal) => error.kind ?? error.code,
  );
}

describeEachDatabase('a copy of an image', (_open, each) => {
  test('brings the blobs that an index lists, as the caches of BuildKit do', async () => {
    const kit = await startHosted(each);
    const source = await kit.repository();
    const digest = await pushBlob(source, 'a layer');
    const listed = { mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip', digest, size: 7 };
    const cache = { schemaVersion: 2, mediaType: ociIndex, manifests: [listed] };
    await putManifest(source, { payload: Buffer.from(JSON.stringify(cache)), mediaType: ociIndex }, 'v1');
    expect(await copy(kit)).toMatchObject({ copiedManifests: 1, copiedBlobs: 1 });
    expect(await (await kit.repository(live)).statBlob(digest)).toMatchObject({ size: 7 });
  });

  test('brings nothing that the destination has, and is a push of the tag all the same', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository(), image, 'v1');
    await pushImage(await kit.repository(live), image);
    expect(await copy(kit)).toMatchObject({ digest: image.digest, copiedManifests: 0, copiedBlobs: 0 });
    const { tags } = await (await kit.repository(live)).tags({ after: '', limit: 9 });
    expect(tags).toEqual(['v1']);
  });

  test('is the writer’s, whoever pushed what is copied', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository('acme/shop', alice), image, 'v1');
    const { repositoryId } = await copy(kit);
    expect(await kit.database.tagLists.find(repositoryId, 'v1')).toMatchObject({ publishedBy: 'bob' });
  });

  test('of an index whose images are not all here takes what is, where that may be pushed', async () => {
    const kit = await startHosted(each, { sparseManifests: 'indexes' });
    const source = await kit.repository();
    await pushImage(source, image);
    const absent = fakeImage({ architecture: 'arm64' });
    await putManifest(source, fakeIndex({ manifests: [image, absent] }), 'v1');
    expect(await kindOf(copy(kit.another({ sparseManifests: 'none' })))).toBe('MANIFEST_BLOB_UNKNOWN');
    expect(await kit.database.repositories.findByName(live)).toBeUndefined();
    expect(await copy(kit)).toMatchObject({ copiedManifests: 2 });
  });

  test('is refused without the tag, and into a repository that is being deleted', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository(), image, 'v1');
    expect(await kindOf(copy(kit, 'v2'))).toBe('tag-unknown');
    await pushImage(await kit.repository(live), fakeImage());
    const id = (await kit.database.repositories.findByName(live))?.id ?? 0;
    await kit.database.repositoryRemovals.mark(id, 'delete_ongoing', 0);
    expect(await kindOf(copy(kit))).toBe('being-deleted');
  });

  test('of very much is refused, and says what to do', async () => {
    const kit = await startHosted(each);
    const source = await kit.repository();
    await pushImage(source, image, 'v1');
    const id = (await kit.database.repositories.findByName(kit.name))?.id ?? 0;
    await kit.database.transaction(async (tx) => {
      for (let number = 0; number < 1000; number += 1) {
        const content = {
          schemaVersion: 2,
          config: image.config && descriptorOf(image),
          subject: descriptorOf(image),
          annotations: { number: String(number) },
        };
        const more = { subject: image.digest, mediaType: image.mediaType };
        await tx.repositoryManifests.save(id, manifestOf(JSON.stringify(content), more));
      }
    });
    expect(await kindOf(copy(kit))).toBe('copied');
    await expect(copy(kit, 'v1', true)).rejects.toThrow(
      'acme/shop:v1 has more than 1000 manifests, or 33554432 bytes of them: copy it without its referrers',
    );
  });

  test('leaves no link where it fails', async () => {
    const kit = await startHosted(each, { maxTags: 1 });
    await pushImage(await kit.repository(), image, 'v1');
    await pushImage(await kit.repository(live), fakeImage(), 'other');
    expect(await kindOf(copy(kit))).toBe('too-many-tags');
    const layer = image.layers[0]?.digest ?? digestOf(Buffer.alloc(0));
    await expect((await kit.repository(live)).statBlob(layer)).rejects.toMatchObject({
      code: 'BLOB_UNKNOWN',
    });
  });
});
