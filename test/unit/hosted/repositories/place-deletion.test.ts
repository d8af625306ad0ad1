import { expect, onTestFinished, test, vi } from 'vitest';
import { deletePlace, PlaceDeletionTask } from '../../../../src/hosted/repositories/place-deletion.ts';
import type { Database } from '../../../../src/metadata/db/database.ts';
import type { Place } from '../../../../src/metadata/namespaces/place.ts';
import { describeEachDatabase, type EachDatabase } from '../../../support/databases.ts';
import { createProject, createRepository, digestOfText, linkBlob } from '../../../support/hosted-records.ts';
import { readBlobReviews, readPayloadReviews } from '../../../support/review-rows.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { mia, never, openShop } from '../shop.ts';

/** More than go at once. */
const many = 201;
const stopped = AbortSignal.abort();

const taskOf = (database: Database) => new PlaceDeletionTask({ database, log: silentLog });

/** acme/shop with that many repositories besides, and acme/other with one. */
async function openLargeShop(each: EachDatabase) {
  const shop = await openShop(each);
  const { database, project } = shop;
  await linkBlob(database, shop.web, 'layer');
  const digest = await shop.push('v1');
  await database.transaction(async (tx) => {
    for (let count = 0; count < many; count += 1)
      await tx.repositories.ensure(project, `acme/shop/r${count}`);
  });
  await createRepository(database, 'acme/other');
  const group = (await database.groups.findByPath('acme'))?.id ?? 0;
  const places = {
    group: { kind: 'group', id: group, fullPath: 'acme' },
    project: { kind: 'project', id: project, fullPath: 'acme/shop' },
  } as const;
  const remove = (place: Place) => database.transaction((tx) => deletePlace(tx, mia, place));
  const left = async () => (await database.repositories.listNamed('acme')).length;
  return { ...shop, digest, places, remove, left };
}

describeEachDatabase('a group or project that is deleted', (_open, each) => {
  test('goes at once where it has little', async () => {
    const { database, project, told } = await openShop(each);
    const shop = { kind: 'project', id: project, fullPath: 'acme/shop' } as const;
    await database.transaction((tx) => deletePlace(tx, mia, shop));
    expect(await database.projects.find(project)).toBeUndefined();
    expect(await told()).toMatchObject([{ action: 'delete' }]);
    expect(await database.placeRemovals.list()).toEqual([]);
  });

  test.each(['project', 'group'] as const)(
    'is closed where it has a lot, and a %s goes in parts',
    async (kind) => {
      const { database, place, places, remove, left, told, digest } = await openLargeShop(each);
      await database.tasks.ensure('places.delete', 60_000);
      await remove(places[kind]);
      await remove(places[kind]);
      expect(await database.tasks.listDue()).toEqual(['places.delete']);
      expect(await database.projects.findByPath('acme/shop')).toMatchObject({
        containerRegistryAccessLevel: 'disabled',
      });
      expect(await taskOf(database).run(stopped)).toMatchObject({ again: true });
      expect(await left()).toBe(many + 2);
      // As by the next process.
      expect(await taskOf(database).run(never)).toEqual({ result: { places: 1, failures: 0 } });
      expect(await left()).toBe(kind === 'group' ? 0 : 1);
      expect(await database.projects.findByPath('acme/shop')).toBeUndefined();
      expect((await database.groups.findByPath('acme')) === undefined).toBe(kind === 'group');
      const reviewed = (await readBlobReviews(place)).map(({ digest, event }) => ({ digest, event }));
      expect(reviewed).toContainEqual({ digest: digestOfText('layer'), event: 'project_delete' });
      expect(await readPayloadReviews(place)).toMatchObject([{ digest, event: 'project_delete' }]);
      expect((await told()).map(({ action }) => action)).toEqual(Array.from({ length: 100 }, () => 'delete'));
      expect(await taskOf(database).run(never)).toEqual({ result: { places: 0, failures: 0 } });
    },
  );

  test('goes with what was pushed to it meanwhile', async () => {
    const { database, project, places, remove, left } = await openLargeShop(each);
    await remove(places.project);
    const { transaction } = database;
    let count = 0;
    vi.spyOn(database, 'transaction').mockImplementation(async (run) => {
      count += 1;
      if (count === 4)
        await linkBlob(database, (await database.repositories.ensure(project, 'acme/shop/late')).id, 'late');
      return transaction.call(database, run);
    });
    onTestFinished(() => void vi.restoreAllMocks());
    await taskOf(database).run(never);
    expect(await left()).toBe(1);
  });

  test('does not keep another from going that fails itself', async () => {
    const { database, places, remove } = await openLargeShop(each);
    const other = await createProject(database, 'zeta/shop');
    await remove(places.project);
    await database.placeRemovals.begin({ kind: 'project', id: other.id, fullPath: 'zeta/shop' }, 'mia');
    const { transaction } = database;
    let isFirst = true;
    vi.spyOn(database, 'transaction').mockImplementation((run) => {
      if (!isFirst) return transaction.call(database, run);
      isFirst = false;
      return Promise.reject(new Error('the database fails'));
    });
    onTestFinished(() => void vi.restoreAllMocks());
    expect(await taskOf(database).run(never)).toEqual({ result: { places: 1, failures: 1 } });
    expect(await taskOf(database).run(never)).toEqual({ result: { places: 1, failures: 0 } });
  });
});
