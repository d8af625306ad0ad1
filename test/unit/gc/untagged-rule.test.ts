import { expect, test } from 'vitest';
import { applyUntaggedRule, listUntagged, type UntaggedRule } from '../../../src/gc/untagged-rule.ts';
import { openSqlite } from '../../support/databases.ts';
import { createProject, createRepository, manifestOf } from '../../support/hosted-records.ts';

const untagged = manifestOf('untagged');

/** Two repositories, each with a manifest that has no tag. */
async function start() {
  const database = await openSqlite(() => 1000);
  const ids: number[] = [];
  for (const name of ['acme/one', 'acme/two']) {
    const { id } = await createRepository(database, name);
    await database.repositoryManifests.save(id, untagged);
    ids.push(id);
  }
  const [one = 0, two = 0] = ids;
  const list = async (rule: UntaggedRule) => {
    const found: number[] = [];
    for await (const { repositoryId, digest } of listUntagged(database, rule)) {
      expect(digest).toBe(untagged.digest);
      found.push(repositoryId);
    }
    return found;
  };
  /** In which repositories it is put up for review by that; from then on it waits no more. */
  const apply = async (rule: UntaggedRule) => {
    await applyUntaggedRule(database, rule);
    const found = await database.reviewQueue.list('manifest', { isEarly: false, limit: 1000 });
    for (const review of found) await database.reviewQueue.remove(review);
    return found.map(({ repositoryId }) => repositoryId).sort((a, b) => a - b);
  };
  return { database, one, two, list, apply };
}

test('a rule that is new brings up all that has no tag, once', async () => {
  const { one, two, list, apply } = await start();
  for (const untaggedMs of [10, 0, 10]) {
    expect(await list({ untaggedMs })).toEqual([one, two]);
    expect(await list({ untaggedMs })).toEqual([one, two]);
    expect(await apply({ untaggedMs })).toEqual([one, two]);
    expect(await list({ untaggedMs })).toEqual([]);
    expect(await apply({ untaggedMs })).toEqual([]);
  }
});

test('a rule that keeps all brings up nothing, and is over with the next', async () => {
  const { database, one, two, list, apply } = await start();
  const never = { untaggedMs: undefined };
  await apply({ untaggedMs: 10 });
  expect(await list(never)).toEqual([]);
  expect(await apply(never)).toEqual([]);
  expect(await database.instance.get('gc_untagged')).toBe('never');
  expect(await apply({ untaggedMs: 10 })).toEqual([one, two]);
});

test('a rule for one run holds whatever held before, and leaves that as it was', async () => {
  const { one, two, list, apply } = await start();
  await apply({ untaggedMs: 10 });
  const once = { untaggedMs: 10, isOnce: true };
  expect(await list(once)).toEqual([one, two]);
  expect(await apply(once)).toEqual([one, two]);
  expect(await apply({ untaggedMs: 0, isOnce: true })).toEqual([one, two]);
  expect(await apply({ untaggedMs: 10 })).toEqual([]);
});

test('a rule for one repository brings up what that has, and is new for the others still', async () => {
  const { one, two, list, apply } = await start();
  const ofTwo = { untaggedMs: 10, repositoryId: two };
  expect(await list(ofTwo)).toEqual([two]);
  expect(await apply(ofTwo)).toEqual([two]);
  expect(await apply({ untaggedMs: 10 })).toEqual([one, two]);
});

test('a rule holds in any number of repositories', async () => {
  const { database, apply } = await start();
  const { id } = await createProject(database, 'acme/many');
  await database.transaction(async (tx) => {
    for (let index = 0; index < 101; index += 1) {
      const repository = await tx.repositories.ensure(id, `acme/many/${index}`);
      await tx.repositoryManifests.save(repository.id, untagged);
    }
  });
  expect(await apply({ untaggedMs: 10 })).toHaveLength(103);
});
