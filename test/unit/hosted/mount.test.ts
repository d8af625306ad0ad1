import { expect, test } from 'vitest';
import { OciError } from '../../../src/oci/errors.ts';
import type { Outcome } from '../../../src/oci/repository.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { MemoryRepository } from '../../support/memory-repository.ts';
import { readLinkReviews } from '../../support/review-rows.ts';
import { bytesOf, pushBlob, startHosted } from './hosted-kit.ts';

describeEachDatabase('a mount', (_open, each) => {
  test('of a blob of another repository links it, and uploads nothing', async () => {
    const kit = await startHosted(each);
    const source = await kit.repository();
    const target = await kit.repository('acme/shop/web');
    const digest = await pushBlob(source, 'hello');
    expect(await target.mount(digest, source)).toBe(true);
    expect(await target.mount(digest, source)).toBe(true);
    expect((await bytesOf(await target.blob(digest))).toString()).toBe('hello');
    expect(await kit.files('blobs')).toHaveLength(1);
    expect(await readLinkReviews(kit.place)).toMatchObject([
      { digest, event: 'blob_upload' },
      { digest, event: 'blob_mount' },
    ]);
    await source.deleteBlob(digest);
    expect(await target.statBlob(digest)).toMatchObject({ size: 5 });
  });

  test('of a blob that the source does not have is refused, though another repository has it', async () => {
    const kit = await startHosted(each);
    const digest = await pushBlob(await kit.repository(), 'hello');
    const target = await kit.repository('acme/shop/web');
    expect(await target.mount(digest, await kit.repository('acme/shop/empty'))).toBe(false);
    await expect(target.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('of a blob whose bytes are gone is refused', async () => {
    const kit = await startHosted(each);
    const source = await kit.repository();
    const digest = await pushBlob(source, 'hello');
    await kit.store.delete((await kit.database.blobs.find(digest))?.storageKey ?? '');
    expect(await (await kit.repository('acme/shop/web')).mount(digest, source)).toBe(false);
  });

  test.each<[Outcome, boolean]>([
    ['hit', true],
    ['revalidated', true],
    ['miss', false],
    ['collapsed', false],
  ])('from a cache is possible where the bytes are here: %s, %s', async (outcome, isMounted) => {
    const kit = await startHosted(each);
    await pushBlob(await kit.repository(), 'hello');
    const cache = new MemoryRepository(outcome);
    const digest = cache.addBlob('hello');
    expect(await (await kit.repository('acme/shop/web')).mount(digest, cache)).toBe(isMounted);
  });

  test('of what a cache believes in, but nobody has recorded, is refused', async () => {
    const cache = new MemoryRepository('hit');
    const digest = cache.addBlob('hello');
    expect(await (await (await startHosted(each)).repository()).mount(digest, cache)).toBe(false);
  });

  test('from a source that fails is refused, and logged where the fault is ours', async () => {
    const kit = await startHosted(each);
    const target = await kit.repository('acme/shop/web');
    const source = new MemoryRepository('hit');
    const digest = source.addBlob('hello');
    source.failure = new OciError('UNAVAILABLE');
    expect(await target.mount(digest, source)).toBe(false);
    expect(kit.errors).toEqual([]);
    source.failure = new Error('a bug');
    expect(await target.mount(digest, source)).toBe(false);
    expect(kit.errors).toEqual(['the source of a mount failed']);
  });

  test('into a project that is gone is refused', async () => {
    const kit = await startHosted(each);
    const target = await kit.repository();
    await pushBlob(target, 'hello');
    const source = new MemoryRepository('hit');
    const digest = source.addBlob('hello');
    const project = await kit.database.projects.findByPath('acme/shop');
    await kit.database.projects.remove(project?.id ?? 0);
    expect(await target.mount(digest, source)).toBe(false);
  });
});
