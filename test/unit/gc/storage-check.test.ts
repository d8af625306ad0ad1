import { expect, test } from 'vitest';
import { type CheckOptions, checkStorage } from '../../../src/gc/storage-check.ts';
import { hourMs, startStored } from './stored-kit.ts';

async function start() {
  const kit = await startStored();
  const check = (changed: Partial<CheckOptions> = {}) => checkStorage({ ...kit, repair: false, ...changed });
  return { ...kit, check };
}

/** A sound blob, one that has rotted, one without bytes, and bytes without a record that have just become old enough. */
async function startWithFaults() {
  const kit = await start();
  const orphan = await kit.write('orphan');
  kit.clock.now += hourMs;
  await kit.write('young');
  const [sound, rotten, missing] = [
    await kit.push('sound'),
    await kit.push('rotten', 'acme/b', 'acme/a'),
    await kit.push('missing'),
  ];
  kit.rot(rotten.storageKey);
  kit.store.blobs.delete(missing.storageKey);
  const faults = [
    {
      kind: 'corrupt',
      digest: rotten.digest,
      storageKey: rotten.storageKey,
      repositories: ['acme/a', 'acme/b'],
    },
    { kind: 'missing', digest: missing.digest, storageKey: missing.storageKey, repositories: ['acme/shop'] },
    { kind: 'orphaned', digest: orphan.digest, storageKey: orphan.storageKey, repositories: [] },
  ];
  const byKind = (report: Awaited<ReturnType<typeof kit.check>>) =>
    report.faults.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
  return { ...kit, faults, byKind, sound };
}

test('a check tells what is wrong, and changes nothing', async () => {
  const { check, faults, byKind, store, findings, quarantined, now } = await startWithFaults();
  const before = [...store.blobs.keys()];
  const report = await check();
  expect(report).toMatchObject({ blobs: 3, bytes: 'soundrottenmissing'.length });
  expect(byKind(report)).toEqual(faults);
  expect([...store.blobs.keys()]).toEqual(before);
  expect([await findings(), quarantined]).toEqual([[], []]);
  expect(byKind(await check({ now: () => now() - 1 }))).toEqual(faults.slice(0, 2));
});

test('a repair takes what is corrupt out of reach, and removes what no record names', async () => {
  const { check, faults, byKind, store, findings, quarantined, sound } = await startWithFaults();
  expect(byKind(await check({ repair: true }))).toEqual(faults);
  expect(quarantined).toEqual([faults[0]?.storageKey]);
  expect(await findings()).toEqual(
    expect.arrayContaining([
      ['corrupt', 'open', faults[0]?.digest],
      ['missing', 'open', faults[1]?.digest],
    ]),
  );
  const left = [...store.blobs.entries()].map(([key, bytes]) => [key, bytes.toString()]);
  expect(left).toContainEqual([sound.storageKey, 'sound']);
  expect(left.map(([, text]) => text).toSorted()).toEqual(['sound', 'young']);
});

test('an older copy of a blob is one that no record names', async () => {
  const { check, clock, database, push, write } = await start();
  const { storageKey } = await push('hello');
  await database.blobs.replaceCopy(await write('hello'), storageKey);
  clock.now += hourMs;
  expect((await check()).faults).toMatchObject([{ kind: 'orphaned', storageKey }]);
});

test('what was moved, and what is being written, is no fault', async () => {
  const { check, clock, database, unfinished, write } = await start();
  const [moved, piece] = [await write('moved'), await write('piece')];
  const { digest, storageKey, size } = moved;
  await database.storedBlobs.addFinding({ kind: 'moved', digest, storageKey, size, hosted: false });
  unfinished.add(piece.storageKey);
  clock.now += hourMs;
  expect((await check({ repair: true })).faults).toEqual([]);
});

test('what the collector removes meanwhile is no fault', async () => {
  const { check, database, push, store } = await start();
  const { digest, storageKey } = await push('hello');
  const shop = await database.repositories.findByName('acme/shop');
  await database.repositoryBlobs.unlink(shop?.id ?? 0, digest);
  store.open = async () => {
    await database.blobs.remove(digest, storageKey);
    return undefined;
  };
  expect((await check()).faults).toEqual([]);
});

test('all blobs are checked, however many, and some of the repositories of each fault are named', async () => {
  const { check, push, pushMany, store } = await start();
  const last = (await pushMany(501)).at(-1);
  store.blobs.delete(last?.storageKey ?? '');
  const names = Array.from({ length: 21 }, (_, index) => `acme/shop/${String.fromCharCode(97 + index)}`);
  await push('shared', ...names);
  const report = await check();
  expect(report).toMatchObject({ blobs: 502, faults: [{ digest: last?.digest }] });
  store.blobs.clear();
  const { faults } = await check();
  expect(faults).toHaveLength(502);
  expect(Math.max(...faults.map(({ repositories }) => repositories.length))).toBe(20);
});
