import { expect, test } from 'vitest';
import { requestTagDeletion, TagDeletionTask } from '../../../../src/hosted/tags/tag-deletion.ts';
import type { Database } from '../../../../src/metadata/db/database.ts';
import type { TagCriteriaTexts } from '../../../../src/rules/select-in-parts.ts';
import { TagPatterns } from '../../../../src/rules/tag-protection.ts';
import { changeRules } from '../../../support/change-rules.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { createRepository } from '../../../support/hosted-records.ts';
import { immutableTagRule, tagRule } from '../../../support/protection-rules.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { mia, never, noPause, openShop, type Shop, targetOf, watching } from '../shop.ts';

const hourMs = 3_600_000;
const all: TagCriteriaTexts = { nameRegexDelete: '.*' };

function request(
  { database, target, clock }: Shop,
  criteria = all,
  { rules = changeRules(), of = target } = {},
): Promise<void> {
  return database.transaction((tx) => requestTagDeletion(tx, rules, of, criteria, clock.now));
}

function taskOf(database: Database, tagsAtOnce?: number): TagDeletionTask {
  return new TagDeletionTask({
    database,
    tagPatterns: new TagPatterns(),
    log: silentLog,
    tagsAtOnce,
    pause: noPause,
  });
}

describeSqlite('a request to delete many tags', (_open, each) => {
  test('is on record with all that was asked for, and who asked', async () => {
    const shop = await openShop(each);
    await request(shop, {
      nameRegexDelete: 'dev-.*',
      nameRegexKeep: '.*-keep',
      keepN: 3,
      olderThanMs: 90_000,
    });
    expect(await shop.audited()).toMatchObject([
      {
        action: 'tag.request_delete_many',
        targetId: 'acme/shop/web',
        actorName: 'mia',
        details: {
          name_regex_delete: 'dev-.*',
          name_regex_keep: '.*-keep',
          keep_n: 3,
          older_than_seconds: 90,
        },
      },
    ]);
    expect(await shop.database.tagDeletions.findNext()).toMatchObject({
      repositoryId: shop.web,
      actor: { id: 7, name: 'mia', address: '192.0.2.7', level: 40 },
      requestedAt: shop.clock.now,
    });
  });

  test('is on record without what was not asked for', async () => {
    const shop = await openShop(each);
    await request(shop);
    const [{ details } = expect.fail('nothing')] = await shop.audited();
    expect(details).toEqual({
      project_id: shop.project,
      repository: 'acme/shop/web',
      name_regex_delete: '.*',
    });
  });

  test('is refused within an hour of the one before, for the same repository', async () => {
    const shop = await openShop(each);
    await request(shop);
    shop.clock.now += hourMs - 1;
    await expect(request(shop)).rejects.toMatchObject({ kind: 'asked-again', status: 429 });
    await createRepository(shop.database, 'acme/shop/api');
    await request(shop, all, { of: targetOf(shop.project, 'acme/shop/api') });
    shop.clock.now += 1;
    await request(shop);
  });

  test('is refused where deleting is off, where there is no such repository, and where it is being deleted', async () => {
    const shop = await openShop(each);
    const off = changeRules({ deleteEnabled: false });
    await expect(request(shop, all, { rules: off })).rejects.toMatchObject({ kind: 'deleting-off' });
    const of = targetOf(shop.project, 'acme/shop/none');
    await expect(request(shop, all, { of })).rejects.toMatchObject({
      kind: 'repository-unknown',
      detail: 'there is no repository acme/shop/none',
    });
    await shop.database.repositoryRemovals.mark(shop.web, 'delete_ongoing', 0);
    await expect(request(shop)).rejects.toMatchObject({ kind: 'being-deleted', status: 409 });
    expect(await shop.audited()).toEqual([]);
  });
});

describeSqlite('the deletion of many tags', (_open, each) => {
  test('takes what was asked for, and is over then', async () => {
    const shop = await openShop(each);
    expect(await taskOf(shop.database).run(never)).toEqual({ result: { tags: 0 } });
    await shop.push('dev-1', 'dev-2', 'v1', 'latest');
    await request(shop, { nameRegexDelete: 'dev-.*|latest' });
    expect(await taskOf(shop.database).run(never)).toEqual({ result: { tags: 2 }, again: true });
    expect(await shop.tags()).toEqual(['latest', 'v1']);
    expect(await taskOf(shop.database).run(never)).toEqual({ result: { tags: 0 } });
    expect(await shop.audited()).toMatchObject([
      {},
      { action: 'tag.delete_many', actorId: 7, actorName: 'mia', address: '192.0.2.7' },
    ]);
  });

  test('is of what there was when it was asked for, newest first, however long it waits', async () => {
    const shop = await openShop(each);
    for (const tag of ['a', 'b', 'c', 'd']) {
      await shop.push(tag);
      shop.clock.now += 1000;
    }
    await request(shop, { ...all, keepN: 2, olderThanMs: 3500 });
    shop.clock.now += hourMs;
    await shop.push('e', 'a');
    await taskOf(shop.database).run(never);
    // b was not old enough then, a was pushed again since.
    expect(await shop.tags()).toEqual(['a', 'b', 'c', 'd', 'e']);
    await request(shop, { ...all, keepN: 2 });
    await taskOf(shop.database).run(never);
    expect(await shop.tags()).toEqual(['a', 'e']);
  });

  test('goes on in another process where one stopped, with what was decided then', async () => {
    const shop = await openShop(each);
    const { database, clock } = shop;
    for (const tags of [['a'], ['b'], ['d', 'c', 'e'], ['f'], ['g']]) {
      await shop.push(...tags);
      clock.now += 1000;
    }
    await request(shop, { ...all, keepN: 3 });
    expect(await taskOf(database).run(AbortSignal.abort())).toEqual({ result: { tags: 0 }, again: true });
    const stopping = new AbortController();
    const first = watching(database, { after: () => stopping.abort() });
    expect(await taskOf(first, 1).run(stopping.signal)).toEqual({ result: { tags: 1 }, again: true });
    expect(await shop.tags()).toEqual(['a', 'b', 'c', 'e', 'f', 'g']);
    expect((await database.tagDeletions.findNext())?.deletedCount).toBe(1);
    // g, which was kept, is pushed again, and b, which was to go: c, f and g still are the ones that were kept.
    await shop.push('g', 'b');
    expect(await taskOf(database, 1).run(never)).toEqual({ result: { tags: 2 }, again: true });
    expect(await shop.tags()).toEqual(['b', 'c', 'f', 'g']);
    expect(await taskOf(database).run(never)).toEqual({ result: { tags: 0 } });
  });

  test('leaves what is protected from whoever asked, by rules that were made before it runs', async () => {
    const shop = await openShop(each);
    await shop.push('a', 'b', 'c');
    await request(shop);
    const level = mia.protectionLevel;
    for (const rule of [tagRule('^b$', 40, level + 10), tagRule('^c$', 40, level)])
      await shop.database.protectionRules.create({ projectId: shop.project, ...rule });
    await taskOf(shop.database).run(never);
    expect(await shop.tags()).toEqual(['b']);
  });

  test('is over where nothing is to go, and changes nothing then', async () => {
    const shop = await openShop(each);
    await shop.push('a');
    await shop.database.protectionRules.create({ projectId: shop.project, ...immutableTagRule('^a$') });
    await request(shop);
    const database = watching(shop.database, { before: () => expect.fail('a transaction') });
    expect(await taskOf(database).run(never)).toEqual({ result: { tags: 0 }, again: true });
    expect(await taskOf(shop.database).run(never)).toEqual({ result: { tags: 0 } });
  });

  test('leaves the next request its turn where a repository has just gone', async () => {
    const shop = await openShop(each);
    await request(shop);
    const database: Database = Object.create(shop.database, {
      repositories: { value: { find: async () => undefined } },
    });
    expect(await taskOf(database).run(never)).toEqual({ result: { tags: 0 }, again: true });
  });
});
