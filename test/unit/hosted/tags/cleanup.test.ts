import { expect, test } from 'vitest';
import { type CleanupOptions, CleanupTask } from '../../../../src/hosted/tags/cleanup.ts';
import type { Database } from '../../../../src/metadata/db/database.ts';
import type { PolicyFields } from '../../../../src/metadata/hosted/cleanup-policies.ts';
import { TagPatterns } from '../../../../src/rules/tag-protection.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { pushImage } from '../../../support/hosted-images.ts';
import { createRepository } from '../../../support/hosted-records.ts';
import { immutableTagRule, tagRule } from '../../../support/protection-rules.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { dayMs } from '../hosted-kit.ts';
import { never, noPause, openShop, type Shop, watching } from '../shop.ts';

const everything: PolicyFields = {
  enabled: true,
  cadence: '7d',
  keepN: undefined,
  olderThan: undefined,
  nameRegex: '.*',
  nameRegexKeep: undefined,
  notPulledFor: undefined,
  repositoryRegex: undefined,
};

/** Due now. */
function save({ database, project, clock }: Shop, policy: Partial<PolicyFields> = {}): Promise<void> {
  return database.cleanupPolicies.save(project, { ...everything, ...policy }, clock.now);
}

/** @param told what the operator is told */
function run(
  { database, clock }: Shop,
  options: Partial<CleanupOptions> = {},
  signal = never,
  told: unknown[] = [],
): Promise<{ readonly result: { readonly deleted: number }; readonly again?: boolean }> {
  const tell = (fields: unknown) => void told.push(fields);
  const log = { ...silentLog, info: tell, error: tell };
  const parts = { database, tagPatterns: new TagPatterns(), log, pause: noPause };
  return new CleanupTask({ ...parts, now: () => clock.now, ...options }).run(signal);
}

describeSqlite('a cleanup', (_open, each) => {
  /** With acme/shop/api, which comes first. */
  async function start() {
    const shop = await openShop(each);
    const { id: api } = await createRepository(shop.database, 'acme/shop/api');
    return {
      shop,
      api,
      pushApi: (...tags: string[]) => pushImage(shop.database, api, tags),
      apiTags: () => shop.database.repositoryLists.listTagNames(api),
      policy: async () =>
        (await shop.database.cleanupPolicies.find(shop.project)) ?? expect.fail('no policy'),
    };
  }

  test('comes up every five minutes', async () => {
    const { database } = await openShop(each);
    const parts = { database, tagPatterns: new TagPatterns(), log: silentLog, now: () => 0 };
    expect(new CleanupTask(parts).everyMs).toBe(300_000);
  });

  test('is none where no policy is due', async () => {
    const { shop } = await start();
    await shop.push('a');
    expect(await run(shop)).toEqual({ result: { deleted: 0 } });
    await save(shop);
    shop.clock.now -= 1;
    expect(await run(shop)).toEqual({ result: { deleted: 0 } });
    expect(await shop.tags()).toEqual(['a']);
  });

  test('removes what the policy says from every repository, and counts what stays by what kept it', async () => {
    const { shop, pushApi, apiTags, policy } = await start();
    await shop.push('dev-1', 'dev-2', 'v1', 'latest', 'dev-keep', 'dev-own', 'dev-fixed');
    await pushApi('dev-9', 'v2');
    for (const rule of [tagRule('own', 40, 40), immutableTagRule('fixed')])
      await shop.database.protectionRules.create({ projectId: shop.project, ...rule });
    shop.clock.now += 15 * dayMs;
    await shop.push('dev-3', 'dev-4');
    await save(shop, { keepN: 1, olderThan: '14d', nameRegex: 'dev-.*', nameRegexKeep: '.*-keep' });
    const due = shop.clock.now;
    shop.clock.now += 1000;
    expect(await run(shop)).toEqual({ result: { deleted: 2 }, again: true });
    expect(await shop.tags()).toEqual(['dev-3', 'dev-4', 'dev-fixed', 'dev-keep', 'dev-own', 'latest', 'v1']);
    expect(await apiTags()).toEqual(['dev-9', 'v2']);
    expect(await policy()).toMatchObject({
      nextRunAt: due + 1000 + 7 * dayMs,
      startedAt: undefined,
      run: undefined,
      lastRun: {
        startedAt: shop.clock.now,
        endedAt: shop.clock.now,
        deleted: 2,
        failed: 0,
        kept: {
          keep_n: 2,
          older_than: 1,
          latest: 1,
          not_matched: 2,
          name_regex_keep: 1,
          protected: 1,
          immutable: 1,
        },
      },
    });
    expect((await policy()).lastRun).not.toHaveProperty('error');
    const { records } = await shop.database.auditEvents.list({}, { page: 1, perPage: 9 });
    expect(records).toMatchObject([
      {
        action: 'tag.delete_many',
        actorName: 'cleanup policy',
        targetId: 'acme/shop/web',
        details: { repository: 'acme/shop/web', tags: ['dev-1', 'dev-2'] },
      },
    ]);
    expect(records[0]?.actorId).toBeUndefined();
    expect((await shop.database.repositories.findByName('acme/shop/web'))?.cleanupStartedAt).toBe(
      shop.clock.now,
    );
    expect(await run(shop)).toEqual({ result: { deleted: 0 } });
  });

  test('that was asked for is one besides those that are due', async () => {
    const { shop, policy } = await start();
    await save(shop);
    const due = shop.clock.now;
    shop.clock.now -= dayMs;
    await shop.push('a');
    await shop.database.cleanupPolicies.request(shop.project, shop.clock.now);
    expect(await run(shop)).toEqual({ result: { deleted: 1 }, again: true });
    expect(await policy()).toMatchObject({ nextRunAt: due, requestedAt: undefined });
    expect(await run(shop)).toEqual({ result: { deleted: 0 } });
  });

  test('removes no more than so many, the oldest first, and leaves the rest to the next', async () => {
    const { shop, pushApi, apiTags, policy } = await start();
    for (const tag of ['b', 'a', 'c']) {
      await shop.push(tag);
      shop.clock.now += 1000;
    }
    await pushApi('x', 'y');
    await save(shop);
    expect(await run(shop, { maxTagsPerRun: 4 })).toMatchObject({ result: { deleted: 4 } });
    expect(await apiTags()).toEqual([]);
    expect(await shop.tags()).toEqual(['c']);
    expect((await policy()).lastRun).toMatchObject({ deleted: 4, failed: 0 });
    await pushApi('x');
    await shop.push('d', 'latest');
    await save(shop);
    // Nor does it come to another repository then.
    expect(await run(shop, { maxTagsPerRun: 1 })).toMatchObject({ result: { deleted: 1 } });
    expect(await shop.tags()).toEqual(['c', 'd', 'latest']);
    expect((await policy()).lastRun).toMatchObject({ deleted: 1 });
    expect((await policy()).lastRun?.kept).toEqual({});
  });

  test('counts what it could not remove', async () => {
    const { shop, policy } = await start();
    await shop.push('a', 'b', 'c');
    await save(shop);
    const database = watching(shop.database, {
      async before() {
        shop.clock.now += 1;
        await shop.push('b', 'c');
      },
    });
    expect(await run(shop, { database })).toMatchObject({ result: { deleted: 1 } });
    expect(await shop.tags()).toEqual(['b', 'c']);
    expect((await policy()).lastRun).toMatchObject({ deleted: 1, failed: 2 });
  });

  test('goes on in another process where one stopped, with what the first has done', async () => {
    const { shop, pushApi, policy } = await start();
    await pushApi('x', 'latest');
    await shop.push('a', 'b', 'latest');
    await save(shop);
    const startedAt = shop.clock.now;
    const stopping = new AbortController();
    // The first of web.
    const database = watching(shop.database, { after: (count) => count === 2 && stopping.abort() });
    const stopped = await run(shop, { database, tagsAtOnce: 1 }, stopping.signal);
    expect(stopped).toEqual({ result: { deleted: 2 }, again: true });
    expect(await policy()).toMatchObject({
      startedAt,
      lastRun: undefined,
      run: { repository: 'acme/shop/api', deleted: 2, failed: 0, kept: { latest: 1 } },
    });
    shop.clock.now += 1000;
    // None of its business: it is of another time.
    await shop.push('c');
    expect(await run(shop, { tagsAtOnce: 1 })).toEqual({ result: { deleted: 3 }, again: true });
    expect(await shop.tags()).toEqual(['c', 'latest']);
    expect((await policy()).lastRun).toEqual({
      startedAt,
      endedAt: startedAt + 1000,
      deleted: 3,
      failed: 0,
      kept: { latest: 2 },
    });
  });

  test('that is stopped before it removed anything has not failed to', async () => {
    const { shop, policy } = await start();
    await shop.push('a');
    await save(shop);
    expect(await run(shop, {}, AbortSignal.abort())).toEqual({ result: { deleted: 0 }, again: true });
    expect((await policy()).lastRun).toBeUndefined();
    expect(await shop.tags()).toEqual(['a']);
    await run(shop);
    expect((await policy()).lastRun).toMatchObject({ deleted: 1, failed: 0 });
  });

  test('is given up when its policy is changed meanwhile', async () => {
    const { shop, policy } = await start();
    await shop.push('a', 'b', 'c');
    await save(shop);
    const database = watching(shop.database, {
      async before(count) {
        if (count !== 2) return;
        shop.clock.now += 1;
        await save(shop, { enabled: false });
      },
    });
    const told: unknown[] = [];
    expect(await run(shop, { database, tagsAtOnce: 1 }, never, told)).toEqual({
      result: { deleted: 0 },
      again: true,
    });
    expect(told).toEqual([]);
    expect(await shop.tags()).toHaveLength(2);
    expect(await policy()).toMatchObject({ lastRun: undefined, startedAt: undefined, enabled: false });
  });

  test('is given up when its policy is changed between two repositories', async () => {
    const { shop, pushApi, policy } = await start();
    await pushApi('x');
    await shop.push('a');
    await save(shop);
    const database = watching(shop.database, {
      async after() {
        shop.clock.now += 1;
        await save(shop, { enabled: false });
      },
    });
    expect(await run(shop, { database })).toEqual({ result: { deleted: 1 }, again: true });
    expect(await shop.tags()).toEqual(['a']);
    expect((await policy()).lastRun).toBeUndefined();
    expect((await shop.database.repositories.find(shop.web))?.cleanupStartedAt).toBeUndefined();
  });

  test('that fails says why, in a thousand characters, and is due again as always', async () => {
    const { shop, policy } = await start();
    await shop.push('a');
    await save(shop);
    const fault = new Error('x'.repeat(1001));
    const database = watching(shop.database, { before: () => Promise.reject(fault) });
    expect(await run(shop, { database })).toEqual({ result: { deleted: 0 }, again: true });
    expect(await policy()).toMatchObject({
      nextRunAt: shop.clock.now + 7 * dayMs,
      lastRun: { deleted: 0, error: 'x'.repeat(1000) },
    });
  });

  test('of a project that is gone meanwhile is none', async () => {
    const { shop } = await start();
    await shop.push('a');
    await save(shop);
    const database: Database = Object.create(shop.database, {
      projects: {
        value: { find: async (id: number) => void (await shop.database.projects.remove(id)) },
      },
    });
    expect(await run(shop, { database })).toEqual({ result: { deleted: 0 }, again: true });
    expect(await run(shop)).toEqual({ result: { deleted: 0 } });
  });
});
