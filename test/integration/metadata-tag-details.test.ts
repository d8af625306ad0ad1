import { expect, test } from 'vitest';
import type { TagOrder, TagPageRequest } from '../../src/metadata/hosted/tag-details.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository, linkBlob, manifestOf } from '../support/hosted-records.ts';

describeEachDatabase('tags with what they name', (open, { clock }) => {
  async function start(tags: string) {
    const database = await open();
    const { id } = await createRepository(database, 'acme/shop/web');
    const manifest = manifestOf('{}');
    await database.repositoryManifests.save(id, manifest);
    for (const tag of tags) await database.tags.put(id, parseTag(tag), manifest.digest);
    const list = (order: TagOrder, request: Partial<TagPageRequest> = {}) =>
      database.tagDetails.list(id, {
        order,
        marker: undefined,
        containing: undefined,
        limit: 2,
        ...request,
      });
    return { database, id, list };
  }

  test('that were pushed in one instant come by their names, in both directions', async () => {
    const { list } = await start('cadb');
    const at = { publishedAt: clock.now };
    const ascending = { by: 'published', direction: 'ascending' } as const;
    const descending = { by: 'published', direction: 'descending' } as const;
    const names = async (...args: Parameters<typeof list>) => {
      const { tags, hasPrevious, hasNext } = await list(...args);
      return `${hasPrevious ? '<' : ''}${tags.map(({ name }) => name).join('')}${hasNext ? '>' : ''}`;
    };
    expect(await names(ascending)).toBe('ab>');
    expect(await names(ascending, { marker: { side: 'after', name: 'b', ...at } })).toBe('<cd');
    expect(await names(ascending, { marker: { side: 'before', name: 'd', ...at } })).toBe('<bc>');
    expect(await names(descending)).toBe('dc>');
    expect(await names(descending, { marker: { side: 'after', name: 'c', ...at } })).toBe('<ba');
    expect(await names(descending, { marker: { side: 'before', name: 'b', ...at } })).toBe('dc>');
  });

  test('are found by a part of their name as it is written, pages and all', async () => {
    const { list } = await start('aAbB');
    const order = { by: 'name', direction: 'ascending' } as const;
    const { tags, hasNext } = await list(order, { containing: 'A' });
    expect(tags.map(({ name }) => name)).toEqual(['A']);
    expect(hasNext).toBe(false);
    const marker = { side: 'after', name: 'A', publishedAt: 0 } as const;
    expect(await list(order, { containing: 'b', marker })).toMatchObject({
      tags: [{ name: 'b' }],
      hasPrevious: false,
    });
  });

  test('of an index reach what its images have, and the blobs that it lists itself', async () => {
    const { database, id } = await start('');
    const blob = await linkBlob(database, id, 'listed', 7);
    const layer = { kind: 'layer', mediaType: 'x/y', size: 100 } as const;
    const [one, shared] = [manifestOf('1'), manifestOf('shared')].map(({ digest }) => digest);
    if (!one || !shared) throw new Error('no digests');
    const image = manifestOf('image', {
      references: [
        { ...layer, digest: shared },
        { ...layer, digest: one, size: 5 },
      ],
    });
    const listed = { kind: 'manifest', mediaType: 'x/y', size: 9 } as const;
    const elsewhere = manifestOf('elsewhere', { references: [{ ...layer, digest: one }] });
    const index = manifestOf('index', {
      references: [
        { ...listed, digest: image.digest },
        { ...listed, digest: elsewhere.digest },
        { ...listed, digest: blob.digest, size: 7 },
      ],
    });
    for (const manifest of [image, index]) await database.repositoryManifests.save(id, manifest);
    const other = await createRepository(database, 'acme/shop/other');
    await database.repositoryManifests.save(other.id, elsewhere);
    const sizes = await database.contentSizes.ofManifests(id, [image.digest, index.digest, elsewhere.digest]);
    expect(Object.fromEntries(sizes)).toEqual({ [image.digest]: 105, [index.digest]: 112 });
    await database.tags.put(id, parseTag('latest'), index.digest);
    expect(await database.contentSizes.ofRepositories('acme/shop/web', 'self')).toEqual({
      bytes: 112,
      precision: 'default',
    });
  });

  test('that are too many to be followed are measured by all that is linked', async () => {
    const database = await open();
    const { id } = await createRepository(database, 'acme/shop/web');
    await linkBlob(database, id, 'linked', 40);
    const manifest = manifestOf('{}');
    await database.repositoryManifests.save(id, manifest);
    for (const tag of 'abc') await database.tags.put(id, parseTag(tag), manifest.digest);
    const measure = (maxTags: number) =>
      database.contentSizes.ofRepositories('acme', 'self_with_descendants', maxTags);
    expect(await measure(3)).toEqual({ bytes: 0, precision: 'default' });
    expect(await measure(2)).toEqual({ bytes: 40, precision: 'untagged' });
  });
});
