import { expect, test } from 'vitest';
import { pauseAfter, TagRemoval, type TagRemovalOptions } from '../../../../src/hosted/tags/tag-removal.ts';
import type { Database } from '../../../../src/metadata/db/database.ts';
import { TagPatterns } from '../../../../src/rules/tag-protection.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { createRepository } from '../../../support/hosted-records.ts';
import { immutableTagRule, repositoryRule, tagRule } from '../../../support/protection-rules.ts';
import { readManifestReviews } from '../../../support/review-rows.ts';
import { mia, never, noPause, openShop, type Shop, tagsOf, watching } from '../shop.ts';

describeSqlite('many tags that are removed', (_open, each) => {
  interface Removing {
    readonly database?: Database;
    readonly tagsAtOnce?: number;
    readonly signal?: AbortSignal;
    /** None where left out. */
    readonly pause?: TagRemovalOptions['pause'];
  }

  /** Of those that were pushed by now, in this order; with what was noted in each transaction. */
  async function remove(shop: Shop, names: readonly string[], removing: Removing = {}) {
    const { database = shop.database, tagsAtOnce, signal = never } = removing;
    const pause = 'pause' in removing ? removing.pause : noPause;
    const noted: (readonly [number, number])[] = [];
    const removal = new TagRemoval({ database, tagPatterns: new TagPatterns(), tagsAtOnce, pause });
    const repository = (await shop.database.repositories.find(shop.web)) ?? expect.fail('no repository');
    const going = tagsOf(...names).map((name) => ({ name, updatedAt: shop.clock.now }));
    const count = await removal.remove(repository, going, mia, signal, async (_tx, removed, total) => {
      noted.push([removed, total]);
    });
    return { count, noted };
  }

  test('go in parts, a transaction for each, and are counted', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b', 'c', 'd', 'e');
    const { count, noted } = await remove(shop, ['e', 'd', 'c', 'a', 'b'], { tagsAtOnce: 2 });
    expect(await shop.tags()).toEqual([]);
    expect(count).toBe(5);
    expect(noted).toEqual([
      [2, 2],
      [2, 4],
      [1, 5],
    ]);
  });

  test('go a hundred at once where nobody says otherwise', async () => {
    const shop = await openShop(each);
    const names = Array.from({ length: 101 }, (_, index) => `t${index}`);
    await shop.push(...names);
    expect(await remove(shop, names)).toEqual({
      count: 101,
      noted: [
        [100, 100],
        [1, 101],
      ],
    });
  });

  test('leave on record who removed what, tell it, and put their manifest up for review', async () => {
    const shop = await openShop(each);
    const digest = await shop.push('a', 'b');
    await remove(shop, ['a', 'b']);
    expect(await shop.audited()).toMatchObject([
      {
        action: 'tag.delete_many',
        targetType: 'tag',
        targetId: 'acme/shop/web',
        projectPath: 'acme/shop',
        actorId: 7,
        actorName: 'mia',
        address: '192.0.2.7',
        details: {
          project_id: shop.project,
          repository: 'acme/shop/web',
          tags: expect.toSatisfy((tags: readonly string[]) => tags.toSorted().join() === 'a,b'),
        },
      },
    ]);
    const told = (tag: string) => ({
      action: 'delete',
      target: { repository: 'acme/shop/web', tag, digest },
      actor: { name: 'mia' },
    });
    expect(await shop.told()).toMatchObject([told('a'), told('b')]);
    expect(await readManifestReviews(shop.place)).toMatchObject([{ digest, event: 'tag_delete' }]);
    expect(
      (await shop.database.deletedTags.list(shop.web, 'a', { page: 1, perPage: 9 })).records,
    ).toMatchObject([{ name: 'a', deletedBy: 'mia' }]);
  });

  test('are none of those that were pushed again since', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b');
    const database = watching(shop.database, {
      async before() {
        shop.clock.now += 1;
        await shop.push('b');
      },
    });
    expect(await remove(shop, ['a', 'b'], { database })).toEqual({ count: 1, noted: [[1, 1]] });
    expect(await shop.tags()).toEqual(['b']);
  });

  test('are none where all were pushed again or are gone, and nothing is said of that', async () => {
    const shop = await openShop(each);
    expect(await remove(shop, ['a'])).toEqual({ count: 0, noted: [] });
    expect(await shop.audited()).toEqual([]);
  });

  test('are none that a rule protects from whom they are removed for, by the name that the repository has by then', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b', 'c');
    const { database, project, web } = shop;
    const rules = watching(database, {
      async before() {
        for (const rule of [tagRule('^a$', 40, 50), tagRule('^b$', 40, 40), repositoryRule('/web', 0, 60)])
          await database.protectionRules.create({ projectId: project, ...rule });
        await database.relocations.moveRepositories(
          { projectId: project, path: 'acme/shop/web' },
          { projectId: project, path: 'acme/shop/site' },
        );
      },
    });
    expect(await remove(shop, ['a', 'b', 'c'], { database: rules })).toEqual({ count: 2, noted: [[2, 2]] });
    expect(await database.repositoryLists.listTagNames(web)).toEqual(['a']);
    expect(await shop.audited()).toMatchObject([{ targetId: 'acme/shop/site' }]);
  });

  test('are none where all are protected', async () => {
    const shop = await openShop(each);
    await shop.push('a');
    await shop.database.protectionRules.create({ projectId: shop.project, ...immutableTagRule('.') });
    expect(await remove(shop, ['a'])).toEqual({ count: 0, noted: [] });
    expect(await shop.tags()).toEqual(['a']);
    expect(await shop.audited()).toEqual([]);
  });

  test('are none of a repository that is gone', async () => {
    const shop = await openShop(each);
    await createRepository(shop.database, 'acme/shop/api');
    const database = watching(shop.database, {
      before: () => shop.database.repositoryRemovals.removeEmpty(shop.web),
    });
    expect(await remove(shop, ['a'], { database })).toEqual({ count: 0, noted: [] });
  });

  test('leave others a pause after each part, as long as that took', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b');
    const pauses: number[] = [];
    const pause = async (ms: number) => void pauses.push(ms);
    await remove(shop, ['a', 'b'], { tagsAtOnce: 1, pause });
    expect(pauses).toEqual([expect.toSatisfy(isPause), expect.toSatisfy(isPause)]);
  });

  test('are no more after the signal, which no pause holds up', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b', 'c');
    const stopping = new AbortController();
    const database = watching(shop.database, { after: (count) => count === 2 && stopping.abort() });
    const { signal } = stopping;
    const removing = { database, tagsAtOnce: 1, signal, pause: undefined };
    expect(await remove(shop, ['a', 'b', 'c'], removing)).toMatchObject({ count: 2 });
    expect(await remove(shop, ['c'], { signal })).toEqual({ count: 0, noted: [] });
    expect(await shop.tags()).toEqual(['c']);
  });
});

/** In milliseconds; even spread over the time that there is, it would be longer. */
function isPause(ms: number): boolean {
  return ms > 0 && ms < 20_000;
}

test.each([
  ['is even where there is time for it', 10, 400, 10, 30],
  ['is shorter for a last part that is not whole', 10, 40, 2.5, 10],
  ['is as long as the part took where there is none', 10, 40, 10, 10],
  ['is ten times as long as the part took where there is much', 10, 40_000, 4, 100],
  ['is none below nothing where time is over', 10, -100, 1, 10],
])('a pause %s', (_what, tookMs, leftMs, parts, pauseMs) => {
  expect(pauseAfter(tookMs, leftMs, parts)).toBe(pauseMs);
});
