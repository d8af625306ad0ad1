import { expect, test } from 'vitest';
import { restoreTag } from '../../../../src/hosted/tags/tag-restoration.ts';
import { parseTag } from '../../../../src/oci/reference.ts';
import { changeRules } from '../../../support/change-rules.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { createRepository } from '../../../support/hosted-records.ts';
import { tagRule } from '../../../support/protection-rules.ts';
import { openShop, targetOf } from '../shop.ts';

const v1 = parseTag('v1');

describeSqlite('a tag that was deleted', (_open, each) => {
  /** v1 was, and v2 is there. */
  async function start() {
    const shop = await openShop(each);
    const { database, web, target } = shop;
    const digest = await shop.push('v1', 'v2');
    await database.tags.remove(web, v1, 'mia');
    const [deleted = expect.fail('no tag')] = await shop.database.deletedTags
      .list(web, undefined, { page: 1, perPage: 9 })
      .then(({ records }) => records);
    const restore = ({ rules = changeRules(), of = target, id = deleted.id } = {}) =>
      database.transaction((tx) => restoreTag(tx, rules, of, id));
    return { shop, digest, deleted, restore };
  }

  test('comes back once, as a push of it', async () => {
    const { shop, digest, deleted, restore } = await start();
    expect(await restore()).toEqual(deleted);
    expect(await shop.tags()).toEqual(['v1', 'v2']);
    expect(await shop.database.tags.find(shop.web, v1)).toBe(digest);
    expect(await shop.audited()).toMatchObject([
      { action: 'tag.restore', targetId: 'acme/shop/web:v1', actorName: 'mia', details: { digest } },
    ]);
    expect(await shop.told()).toMatchObject([
      {
        action: 'push',
        target: {
          repository: 'acme/shop/web',
          tag: 'v1',
          digest,
          mediaType: 'application/vnd.oci.image.manifest.v1+json',
        },
      },
    ]);
    await expect(restore()).rejects.toMatchObject({ kind: 'deleted-tag-unknown', code: 'TAG_UNKNOWN' });
  });

  test('is unknown in other repositories, in those that are none, and by other numbers', async () => {
    const { shop, deleted, restore } = await start();
    await createRepository(shop.database, 'acme/shop/api');
    for (const name of ['acme/shop/api', 'acme/shop/none'])
      await expect(restore({ of: targetOf(shop.project, name) })).rejects.toMatchObject({
        kind: 'deleted-tag-unknown',
        detail: `${name} has no such deleted tag`,
      });
    for (const of of [shop.target, targetOf(shop.project, 'acme/shop/none')])
      await expect(restore({ of, id: deleted.id + 1 })).rejects.toMatchObject({
        kind: 'deleted-tag-unknown',
      });
  });

  test('does not come back over one that there is again', async () => {
    const { shop, restore } = await start();
    await shop.push('v1');
    await expect(restore()).rejects.toMatchObject({ kind: 'tag-exists', code: 'DENIED', status: 409 });
  });

  test('does not come back over as many tags as there may be', async () => {
    const { restore } = await start();
    await expect(restore({ rules: changeRules({ maxTags: 1 }) })).rejects.toMatchObject({
      kind: 'too-many-tags',
      detail: 'a repository may have 1 tags: delete some before pushing new ones',
    });
    await restore({ rules: changeRules({ maxTags: 2 }) });
  });

  test('does not come back to whom may not push it', async () => {
    const { shop, restore } = await start();
    await shop.database.protectionRules.create({ projectId: shop.project, ...tagRule('^v1$', 50, 40) });
    await expect(restore()).rejects.toMatchObject({ kind: 'push-protected' });
    expect(await shop.tags()).toEqual(['v2']);
  });

  test('does not come back to a repository that is being deleted', async () => {
    const { shop, restore } = await start();
    await shop.database.repositoryRemovals.mark(shop.web, 'delete_scheduled', 0);
    await expect(restore()).rejects.toMatchObject({ kind: 'being-deleted' });
  });
});
