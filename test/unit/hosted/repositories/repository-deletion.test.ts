import { expect, test } from 'vitest';
import {
  RepositoryDeletionTask,
  scheduleRepositoryDeletion,
} from '../../../../src/hosted/repositories/repository-deletion.ts';
import type { Database } from '../../../../src/metadata/db/database.ts';
import { changeRules } from '../../../support/change-rules.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { createRepository, digestOfText, linkBlob, manifestOf } from '../../../support/hosted-records.ts';
import { immutableTagRule, repositoryRule } from '../../../support/protection-rules.ts';
import { readBlobReviews, readPayloadReviews } from '../../../support/review-rows.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { never, openShop, type Shop, tagsOf, targetOf, watching } from '../shop.ts';

function schedule({ database, target }: Shop, { rules = changeRules(), of = target } = {}): Promise<void> {
  return database.transaction((tx) => scheduleRepositoryDeletion(tx, rules, of));
}

const taskOf = (database: Database) => new RepositoryDeletionTask({ database, log: silentLog });
const statusOf = async ({ database, web }: Shop) => (await database.repositories.find(web))?.status;

describeSqlite('a repository whose deletion is asked for', (_open, each) => {
  test('is scheduled once, however often that is, and who asked first is on record', async () => {
    const shop = await openShop(each);
    await schedule(shop);
    expect(await statusOf(shop)).toBe('delete_scheduled');
    const recorded = [
      {
        action: 'repository.delete',
        targetType: 'repository',
        targetId: 'acme/shop/web',
        actorName: 'mia',
        details: { repository: 'acme/shop/web', repository_id: shop.web },
      },
    ];
    expect(await shop.audited()).toMatchObject(recorded);
    await schedule(shop);
    await shop.database.repositoryRemovals.mark(shop.web, 'delete_ongoing', 3);
    await schedule(shop);
    expect(await statusOf(shop)).toBe('delete_ongoing');
    expect(await shop.audited()).toHaveLength(1);
  });

  test('has all its tries again where it was given up before', async () => {
    const shop = await openShop(each);
    await shop.database.repositoryRemovals.mark(shop.web, 'delete_failed', 10);
    await schedule(shop);
    expect(await shop.database.repositoryRemovals.list()).toMatchObject([{ id: shop.web, failures: 0 }]);
  });

  test('stays where deleting is off, and is unknown where there is none', async () => {
    const shop = await openShop(each);
    const off = changeRules({ deleteEnabled: false });
    await expect(schedule(shop, { rules: off })).rejects.toMatchObject({
      kind: 'deleting-off',
      code: 'UNSUPPORTED',
    });
    await expect(schedule(shop, { of: targetOf(shop.project, 'acme/shop/none') })).rejects.toMatchObject({
      kind: 'repository-unknown',
      code: 'NAME_UNKNOWN',
    });
    expect(await statusOf(shop)).toBeUndefined();
  });

  test('stays where its path is protected from whoever asks', async () => {
    const shop = await openShop(each);
    const rule = repositoryRule('/w*', 0, 50);
    await shop.database.protectionRules.create({ projectId: shop.project, ...rule });
    await expect(schedule(shop)).rejects.toMatchObject({
      kind: 'repository-protected',
      status: 403,
      detail: 'acme/shop/web cannot be deleted: it is protected, and asks for the role Owner',
    });
    await createRepository(shop.database, 'acme/shop/api');
    await schedule(shop, { of: targetOf(shop.project, 'acme/shop/api') });
  });

  test.each(['0', 'z'])('stays where a tag is immutable among however many others: %s', async (tag) => {
    const shop = await openShop(each);
    const digest = await shop.push(tag);
    await shop.database.transaction(async (tx) => {
      for (const tag of tagsOf(...Array.from({ length: 1001 }, (_, index) => `a${index}`)))
        await tx.tags.put(shop.web, tag, digest);
    });
    await shop.database.protectionRules.create({ projectId: shop.project, ...immutableTagRule(`^${tag}$`) });
    await expect(schedule(shop)).rejects.toMatchObject({
      kind: 'repository-protected',
      detail: `acme/shop/web cannot be deleted: it is immutable by the rule ^${tag}$`,
    });
  });

  test('goes where rules for tags match none of it', async () => {
    const shop = await openShop(each);
    await shop.push(...Array.from({ length: 25 }, (_, index) => `t${index}`));
    await shop.database.protectionRules.create({ projectId: shop.project, ...immutableTagRule('^z$') });
    await schedule(shop);
    expect(await statusOf(shop)).toBe('delete_scheduled');
  });
});

describeSqlite('the deletion of repositories', (_open, each) => {
  test('takes all that was scheduled with what it links, puts that up for review, and tells it', async () => {
    const shop = await openShop(each);
    const { database, web } = shop;
    await shop.push('a', 'b');
    const { id: api } = await createRepository(database, 'acme/shop/api');
    await createRepository(database, 'acme/shop/stays');
    await linkBlob(database, api, 'blob');
    for (const name of ['acme/shop/web', 'acme/shop/api'])
      await schedule(shop, { of: targetOf(shop.project, name) });
    expect(await taskOf(database).run(never)).toEqual({ result: { repositories: 2, failures: 0 } });
    expect((await database.repositories.listNamed('acme/shop')).map(({ name }) => name)).toEqual([
      'acme/shop/stays',
    ]);
    const reviewed = await readBlobReviews(shop.place);
    expect(reviewed).toMatchObject(
      [digestOfText('config of a'), digestOfText('blob')]
        .toSorted()
        .map((digest) => ({ digest, event: 'repository_delete' })),
    );
    expect(await readPayloadReviews(shop.place)).toMatchObject([{ event: 'repository_delete' }]);
    const told = (repository: string) => ({
      action: 'delete',
      target: { repository },
      actor: { name: '', user_type: '' },
    });
    expect(await shop.told()).toMatchObject([told('acme/shop/web'), told('acme/shop/api')]);
    expect(await database.repositories.find(web)).toBeUndefined();
    expect(await taskOf(database).run(never)).toEqual({ result: { repositories: 0, failures: 0 } });
  });

  test('takes manifests and blobs a hundred at once', async () => {
    const shop = await openShop(each);
    const { database, web } = shop;
    await database.transaction(async (tx) => {
      for (let index = 0; index < 101; index += 1) {
        await tx.repositoryManifests.save(web, manifestOf(`{"number":${index}}`));
        const digest = digestOfText(`blob ${index}`);
        const record = { digest, size: 1, storageKey: `${index}`, createdAt: 1 };
        await tx.repositoryBlobs.link(web, digest, record);
      }
    });
    await schedule(shop);
    const left: number[][] = [];
    const after = async () => {
      const [payloads, blobs] = [await readPayloadReviews(shop.place), await readBlobReviews(shop.place)];
      left.push([payloads.length, blobs.length]);
    };
    await taskOf(watching(database, { after })).run(never);
    expect(left).toEqual([
      [100, 0],
      [101, 0],
      [101, 100],
      [101, 101],
      [101, 101],
      [101, 101],
    ]);
  });

  test('goes on until nothing is left, whatever comes in meanwhile', async () => {
    const shop = await openShop(each);
    const { database, web } = shop;
    await schedule(shop);
    const late = watching(database, { after: (count) => count === 1 && linkBlob(database, web, 'late') });
    expect(await taskOf(late).run(never)).toEqual({ result: { repositories: 1, failures: 0 } });
    expect(await statusOf(shop)).toBeUndefined();
    expect(await shop.told()).toHaveLength(1);
  });

  test('that is stopped goes on another time, and says so meanwhile', async () => {
    const shop = await openShop(each);
    await shop.push('a');
    await schedule(shop);
    expect(await taskOf(shop.database).run(AbortSignal.abort())).toEqual({
      result: { repositories: 0, failures: 0 },
      again: true,
    });
    expect(await statusOf(shop)).toBe('delete_ongoing');
    expect(await taskOf(shop.database).run(never)).toMatchObject({ result: { repositories: 1 } });
  });

  test('is given up after ten tries that fail, and holds up no other', async () => {
    const shop = await openShop(each);
    const { database, web } = shop;
    await schedule(shop);
    const { id: api } = await createRepository(database, 'acme/shop/api');
    await schedule(shop, { of: targetOf(shop.project, 'acme/shop/api') });
    const broken = watching(database, {
      before: (count) => count === 1 && Promise.reject(new Error('no space left')),
    });
    expect((await taskOf(broken).run(never)).result).toEqual({ repositories: 1, failures: 1 });
    expect(await database.repositories.find(api)).toBeUndefined();
    expect(await database.repositoryRemovals.list()).toMatchObject([{ id: web, failures: 1 }]);
    expect(await statusOf(shop)).toBe('delete_scheduled');
    await database.repositoryRemovals.mark(web, 'delete_scheduled', 8);
    const failing = watching(database, { before: () => Promise.reject(new Error('no space left')) });
    await taskOf(failing).run(never);
    expect(await statusOf(shop)).toBe('delete_scheduled');
    await taskOf(failing).run(never);
    expect(await statusOf(shop)).toBe('delete_failed');
    expect((await taskOf(failing).run(never)).result).toEqual({ repositories: 0, failures: 0 });
  });
});
