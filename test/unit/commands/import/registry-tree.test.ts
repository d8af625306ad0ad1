import { readdir } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { BucketFiles } from '../../../../src/commands/import/bucket-files.ts';
import { openTree } from '../../../../src/commands/import/registry-tree.ts';
import { DirectoryFiles, type TreeFiles, treePath } from '../../../../src/commands/import/tree-files.ts';
import { type Digest, digestOf } from '../../../../src/oci/digest.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import type { SourceRepository } from '../../../../src/replication/image-source.ts';
import { fakeImage, seededBlob } from '../../../support/fake-content.ts';
import { MemoryObjectStorage } from '../../../support/memory-object-storage.ts';
import { WrittenTree } from '../../../support/registry-tree.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

async function inBucket(tree: WrittenTree): Promise<TreeFiles> {
  const storage = new MemoryObjectStorage();
  for (const [key, bytes] of await tree.files()) await storage.put(key, bytes);
  return BucketFiles.list(storage, `${treePath}/repositories/`);
}

const places: readonly [string, (tree: WrittenTree) => Promise<TreeFiles>][] = [
  ['a directory', async (tree) => new DirectoryFiles(tree.directory)],
  ['the tree itself', async (tree) => new DirectoryFiles(`${tree.directory}/${treePath}`)],
  ['a bucket', inBucket],
];

describe.each(places)('a tree in %s', (_, filesOf) => {
  const [image, other] = [1, 2].map((seed) => fakeImage({ layers: [seededBlob(3_000_000, seed)] })) as [
    ReturnType<typeof fakeImage>,
    ReturnType<typeof fakeImage>,
  ];

  async function written(change?: (tree: WrittenTree) => Promise<void>) {
    const tree = new WrittenTree(await temporaryDirectory());
    await tree.push('b/deep/er', image, '1');
    await tree.push('b', image, '1');
    await tree.push('b', other);
    await tree.push('a', image, '2');
    await change?.(tree);
    return openTree(await filesOf(tree), 'there');
  }

  test('says what there is', async () => {
    const source = await written();
    expect(await source.listRepositories()).toEqual(['a', 'b', 'b/deep/er']);
    const repository = source.open('b');
    expect(await repository.listTags()).toEqual(['1']);
    expect(await repository.findTag(parseTag('1'))).toBe(image.digest);
    const manifests = await Array.fromAsync(repository.listManifests());
    expect(manifests.toSorted()).toEqual([image.digest, other.digest].toSorted());
    expect(await repository.getManifest(image.digest)).toEqual(image.payload);
    expect(await repository.listReferrers(image.digest)).toEqual([]);
  });

  test('gives blobs as they are, the empty one too', async () => {
    const empty = seededBlob(0);
    const source = await written((tree) => tree.push('c', fakeImage({ layers: [empty] }), '1'));
    for (const { digest, size } of [...image.layers, empty]) {
      await source.open('c').demandBlob(digest);
      const blob = await source.open('c').openBlob(digest);
      expect(blob.size).toBe(size);
      expect(digestOf(Buffer.concat(await Array.fromAsync(blob.read())))).toBe(digest);
    }
  });

  test('names what is not there', async () => {
    const repository = (await written()).open('a');
    const absent = digestOf(Buffer.from('never pushed'));
    const asks: ((repository: SourceRepository, digest: Digest) => Promise<unknown>)[] = [
      (from, digest) => from.demandBlob(digest),
      (from, digest) => from.openBlob(digest),
      (from, digest) => from.getManifest(digest),
    ];
    for (const ask of asks)
      await expect(ask(repository, absent)).rejects.toMatchObject({
        isAbsent: true,
        message: expect.stringContaining(absent),
      });
    await expect(repository.findTag(parseTag('none'))).rejects.toThrow('the tag none names nothing');
    expect(await repository.listTags()).toEqual(['2']);
    // Bytes that another repository has are not those of a manifest here.
    await expect(repository.getManifest(other.digest)).rejects.toThrow('was deleted, or never was here');
  });

  test('is none where nothing was pushed', async () => {
    const tree = new WrittenTree(await temporaryDirectory());
    await expect(openTree(await filesOf(tree), 'there')).rejects.toThrow(
      'there is no docker/registry/v2 with repositories in there',
    );
    expect(await readdir(tree.directory)).toEqual([]);
  });
});
