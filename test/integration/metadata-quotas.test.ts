import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { createGroup, createProject, createRepository, linkBlob } from '../support/hosted-records.ts';

describeEachDatabase('records of quotas', (open, { clock, createPlace }) => {
  test('a group is changed as a project is, and its quota is listed for all below it', async () => {
    const database = await open();
    await createGroup(database, 'acme/team/inside');
    const acme = await createGroup(database, 'acme');
    const inside = await createGroup(database, 'acme/team/inside');
    await createGroup(database, 'acme2');
    clock.now += 1000;
    const changes = { name: 'Acme', description: 'We', visibility: 'public', quotaBytes: 1000 } as const;
    const changed = { ...acme, ...changes, updatedAt: clock.now };
    expect(await database.groups.update(acme.id, changes)).toEqual(changed);
    expect(await database.groups.update(acme.id, { description: null })).toEqual({
      ...changed,
      description: undefined,
    });
    await database.groups.update(inside.id, { quotaBytes: 0 });
    const quotas = async (path: string) =>
      (await database.groups.listQuotas(path)).map((group) => [group.fullPath, group.quotaBytes]);
    expect(await quotas('acme/team/inside')).toEqual([
      ['acme', 1000],
      ['acme/team/inside', 0],
    ]);
    expect(await quotas('acme/team')).toEqual([['acme', 1000]]);
    expect(await quotas('acme2')).toEqual([]);
    expect(await database.groups.update(9999, changes)).toBeUndefined();
  });

  test('a blob counts once in each project, and for all groups above', async () => {
    const database = await open();
    await createProject(database, 'acme/shop');
    const web = await createRepository(database, 'acme/shop/web');
    const worker = await database.repositories.ensure(web.projectId, 'acme/shop/worker');
    const other = await createRepository(database, 'acme/team/other');
    const layer = await linkBlob(database, web.id, 'layer', 6_000_000_000);
    await linkBlob(database, worker.id, 'layer', 6_000_000_000);
    await linkBlob(database, worker.id, 'small', 7);
    await linkBlob(database, other.id, 'layer', 6_000_000_000);
    const { repositoryBlobs } = database;
    expect(await repositoryBlobs.bytesOfProject(web.projectId)).toBe(6_000_000_007);
    expect(await repositoryBlobs.bytesOfProject(other.projectId)).toBe(6_000_000_000);
    expect(await repositoryBlobs.bytesOfGroup('acme')).toBe(12_000_000_007);
    expect(await repositoryBlobs.bytesOfGroup('acme/team')).toBe(6_000_000_000);
    expect(await repositoryBlobs.bytesOfGroup('acme/te')).toBe(0);
    const more = await linkBlob(database, other.id, 'more', 3);
    expect(await repositoryBlobs.bytesToAdd(web.projectId, layer.digest, layer.size)).toBe(0);
    expect(await repositoryBlobs.bytesToAdd(web.projectId, more.digest, more.size)).toBe(3);
  });

  test('whoever holds a project or a quota makes others wait, so that two cannot share the last byte', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const web = await createRepository(one, 'acme/shop');
    const acme = await createGroup(one, 'acme');
    await one.groups.update(acme.id, { quotaBytes: 10 });
    const push = (database: typeof one, text: string) =>
      database.transaction(async (tx) => {
        const [group] = await tx.groups.listQuotas('acme');
        await tx.projects.hold(web.projectId);
        const used = await tx.repositoryBlobs.bytesOfGroup('acme');
        if (used + 6 > (group?.quotaBytes ?? 0)) return false;
        await linkBlob(tx, web.id, text, 6);
        return true;
      });
    expect((await Promise.all([push(one, 'a'), push(two, 'b')])).toSorted()).toEqual([false, true]);
    expect(await one.transaction((tx) => tx.projects.hold(9999))).toBe(false);
  });
});
