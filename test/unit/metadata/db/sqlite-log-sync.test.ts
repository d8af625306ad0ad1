import { open, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { type Database, openDatabase } from '../../../../src/metadata/db/database.ts';
import type { Records } from '../../../../src/metadata/db/records.ts';
import { LogSync } from '../../../../src/metadata/db/sqlite-log-sync.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { eventually } from '../../../support/eventually.ts';
import { silentLog } from '../../../support/silent-log.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

test('a transaction is over once the disk has it', async () => {
  const { database, disk } = await opened();
  let isOver = false;
  const running = database.transaction(add('ada')).then(() => {
    isOver = true;
  });
  await eventually(() => expect(disk.waiting).toHaveLength(1));
  expect(await database.users.findByUsername('ada')).toBeDefined();
  expect(isOver).toBe(false);
  disk.takeNext();
  await running;
});

test('a single change is over once the disk has it', async () => {
  const { database, disk } = await opened();
  let isOver = false;
  const running = add('ada')(database).then(() => {
    isOver = true;
  });
  await eventually(() => expect(disk.waiting).toHaveLength(1));
  expect(isOver).toBe(false);
  disk.takeNext();
  await running;
});

test('what is changed while the disk is busy shares the next time, and no earlier one', async () => {
  const { database, disk } = await opened();
  const order: string[] = [];
  const note = (username: string) => (running: Promise<unknown>) => running.then(() => order.push(username));
  const first = note('ada')(database.transaction(add('ada')));
  await eventually(() => expect(disk.waiting).toHaveLength(1));
  const later = ['bob', 'cyd', 'dan'].map((username) => note(username)(database.transaction(add(username))));
  await eventually(async () => expect(await database.users.findByUsername('dan')).toBeDefined());
  disk.takeNext();
  await first;
  await eventually(() => expect(disk.waiting).toHaveLength(1));
  expect(order).toEqual(['ada']);
  disk.takeNext();
  await Promise.all(later);
  expect(disk.asked).toBe(2);
});

test('an upload is begun without the disk, which takes it with what comes next', async () => {
  const { database, disk } = await opened();
  disk.takeAll();
  const group = await database.groups.create({
    name: 'acme',
    path: 'acme',
    fullPath: 'acme',
    visibility: 'private',
  });
  const project = await database.projects.create({
    groupId: group.id,
    name: 'shop',
    path: 'shop',
    fullPath: 'acme/shop',
    visibility: 'private',
  });
  const { asked } = disk;
  const upload = { id: 'id', projectId: project.id, repository: 'acme/shop', writer: 'user:1' };
  await database.uploads.create({ ...upload, startedAt: 0, expiresAt: 1 });
  expect(await database.uploads.find('id')).toBeDefined();
  expect(disk.asked).toBe(asked);
  await add('ada')(database);
  expect(disk.asked).toBe(asked + 1);
});

test('one that fails takes no other along', async () => {
  const { database, disk } = await opened();
  disk.takeAll();
  const outcomes = await Promise.allSettled([
    database.transaction(add('ada')),
    database.transaction(async (tx) => {
      await add('bob')(tx);
      throw new Error('no');
    }),
    database.transaction(add('cyd')),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  expect(await usernames(database)).toEqual(['ada', 'cyd']);
});

test('nothing is acknowledged that the disk did not take, and nothing is written from then on', async () => {
  const { database, disk } = await opened();
  const running = database.transaction(add('ada'));
  await eventually(() => expect(disk.waiting).toHaveLength(1));
  // Who began before is told, too, and none of them is taken back in the middle of another's change.
  const later = database.transaction(async (tx) => {
    await add('bob')(tx);
    disk.takeNext(Object.assign(new Error('EIO'), { code: 'EIO' }));
    await expect(running).rejects.toThrow(/^the disk of the database failed/);
    await add('cyd')(tx);
  });
  await expect(later).rejects.toThrow(UnavailableError);
  await expect(database.transaction(add('dan'))).rejects.toThrow(UnavailableError);
  await expect(add('eve')(database)).rejects.toThrow(UnavailableError);
  expect(await database.users.findByUsername('dan')).toBeUndefined();
  expect(await database.users.findByUsername('eve')).toBeUndefined();
  expect(disk.asked).toBe(1);
  expect(await usernames(database)).toEqual(['ada', 'bob', 'cyd']);
});

test('once it is closed no file is opened that nobody would close', async () => {
  const file = join(await temporaryDirectory(), 'entrepot.db');
  await writeFile(`${file}-wal`, '');
  const log = new LogSync(file);
  await log.close();
  await expect(log.sync()).rejects.toThrow('the database is closed');
});

function add(username: string) {
  return (records: Pick<Records, 'users'>) =>
    records.users.create({ username, name: username, isAdmin: false });
}

async function usernames({ users }: Database): Promise<string[]> {
  const { records } = await users.list(undefined, { page: 1, perPage: 10 });
  return records.map(({ username }) => username).sort();
}

/** An empty database on a disk that takes what it is given when it is told to. */
async function opened() {
  const file = join(await temporaryDirectory(), 'entrepot.db');
  const database = await openDatabase({ url: undefined, file, log: silentLog, now: () => 0 });
  onTestFinished(() => database.close());
  const waiting: ((failure?: Error) => void)[] = [];
  let asked = 0;
  let takesAll = false;
  const handle = await open('/', 'r');
  const prototype: { datasync(): Promise<void> } = Object.getPrototypeOf(handle);
  await handle.close();
  const spy = vi.spyOn(prototype, 'datasync').mockImplementation(async () => {
    asked += 1;
    if (takesAll) return;
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    waiting.push((failure) => (failure ? reject(failure) : resolve()));
    await promise;
  });
  const disk = {
    waiting,
    get asked() {
      return asked;
    },
    takeNext: (failure?: Error) => waiting.shift()?.(failure),
    takeAll() {
      takesAll = true;
      for (const take of waiting.splice(0)) take();
    },
  };
  // Before the database is closed, which waits for the disk.
  onTestFinished(() => {
    disk.takeAll();
    spy.mockRestore();
  });
  return { database, disk };
}
