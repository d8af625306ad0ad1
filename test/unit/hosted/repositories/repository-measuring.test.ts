import { expect, test } from 'vitest';
import { RepositoryMeasuringTask } from '../../../../src/hosted/repositories/repository-measuring.ts';
import { describeSqlite } from '../../../support/databases.ts';
import { pushImage } from '../../../support/hosted-images.ts';
import { never, openShop } from '../shop.ts';

describeSqlite('repositories that are measured', (_open, each) => {
  test('are those that changed, fifty at a time', async () => {
    const { database, project } = await openShop(each);
    const ids = await database.transaction(async (tx) => {
      const made: number[] = [];
      for (let index = 1; index <= 50; index += 1)
        made.push((await tx.repositories.ensure(project, `acme/shop/web/${index}`)).id);
      return made;
    });
    const last = ids.at(-1) ?? expect.fail('none was made');
    const layer = (text: string) => ({ kind: 'layer', text, size: 400 }) as const;
    await pushImage(database, last, ['v1'], [layer('a'), layer('b')]);
    const task = new RepositoryMeasuringTask({ database });
    expect(await task.run(AbortSignal.abort())).toEqual({ result: { repositories: 0 }, again: true });
    expect(await task.run(never)).toEqual({ result: { repositories: 50 }, again: true });
    expect(await task.run(never)).toEqual({ result: { repositories: 1 }, again: false });
    expect(await database.repositoryLists.find(last)).toMatchObject({ sizeBytes: 800, isSizeCurrent: true });
    expect(await task.run(never)).toEqual({ result: { repositories: 0 }, again: false });
  });

  test('come up every five minutes', async () => {
    const { database } = await openShop(each);
    expect(new RepositoryMeasuringTask({ database }).everyMs).toBe(300_000);
  });
});
