import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, onTestFinished, test, vi } from 'vitest';
import { Readers } from '../../../../src/metadata/db/sqlite-readers.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { eventually } from '../../../support/eventually.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

/** Far longer than whatever else is asked for. */
const slow = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 1500000)
  select max(n) as last from numbers`;
const numbers = `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ?) select n from numbers`;

afterEach(() => {
  vi.useRealTimers();
});

/** Of this process, as the system knows them by their names. */
function countThreads(): number {
  const tasks = readdirSync('/proc/self/task');
  return tasks.filter((task) => readFileSync(`/proc/self/task/${task}/comm`, 'utf8') === 'database reader\n')
    .length;
}

async function openReaders() {
  const file = join(await temporaryDirectory(), 'records.db');
  const writer = new DatabaseSync(file);
  writer.exec('pragma journal_mode = wal; create table notes (name text, bytes blob)');
  const readers = new Readers(file);
  onTestFinished(async () => {
    await readers.close();
    writer.close();
  });
  return { readers, writer };
}

test('what was committed is read, as it was written', async () => {
  const { readers, writer } = await openReaders();
  const bytes = Uint8Array.of(1, 2, 255);
  writer.prepare('insert into notes values (?, ?), (null, null)').run('ä', bytes);
  expect(await readers.read('select name, bytes from notes order by name', [])).toEqual([
    { name: null, bytes: null },
    { name: 'ä', bytes },
  ]);
  writer.exec('begin; delete from notes');
  expect(await readers.read('select name from notes where name = ?', ['ä'])).toHaveLength(1);
  writer.exec('commit');
  expect(await readers.read('select name from notes where name = ?', ['ä'])).toEqual([]);
});

test('many rows come in their order', async () => {
  const { readers } = await openReaders();
  for (const count of [499, 500, 1201]) {
    const rows = await readers.read(numbers, [count]);
    expect(rows).toEqual(Array.from({ length: count }, (_, index) => ({ n: index + 1 })));
  }
});

test('nothing can be written', async () => {
  const { readers } = await openReaders();
  await expect(readers.read('delete from notes', [])).rejects.toMatchObject({ errcode: 8 });
});

test('a statement that is refused says why, and the next one is read', async () => {
  const { readers } = await openReaders();
  await expect(readers.read('select absent from notes', [])).rejects.toMatchObject({
    message: 'no such column: absent',
    errcode: 1,
  });
  expect(await readers.read('select 1 as one', [])).toEqual([{ one: 1 }]);
});

test('what is quick does not wait for all that is known to be slow', async () => {
  const { readers } = await openReaders();
  await readers.read(slow, []);
  const order: string[] = [];
  const note = (name: string) => () => order.push(name);
  const slowReads = ['a', 'b', 'c'].map((name) => readers.read(slow, []).then(note(name)));
  await readers.read('select 1', []).then(note('quick'));
  await Promise.all(slowReads);
  expect(order).toEqual(['quick', 'a', 'b', 'c']);
});

test('whoever waits too long is told, and others are served again once the statement is over', async () => {
  const { readers } = await openReaders();
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const outcomes = Promise.allSettled(Array.from({ length: 4 }, () => readers.read(slow, [])));
  vi.advanceTimersByTime(29_999);
  vi.advanceTimersByTime(1);
  vi.useRealTimers();
  for (const outcome of await outcomes)
    expect(outcome).toMatchObject({
      reason: new UnavailableError('the database did not answer within 30 s'),
    });
  expect(await readers.read('select 1 as one', [])).toEqual([{ one: 1 }]);
});

test('a thread that dies fails what it reads, and another takes its place', async () => {
  const { readers } = await openReaders();
  const huge = `select printf('%.*c', 4000000, 'x') || n as text from (${numbers})`;
  await expect(readers.read(huge, [200])).rejects.toThrow(
    new UnavailableError('a thread that reads the database ended'),
  );
  expect(await readers.read('select 1 as one', [])).toEqual([{ one: 1 }]);
});

test('closing fails what is read and what waits, at once, and nothing is read any more', async () => {
  const { readers } = await openReaders();
  await Promise.all([readers.read('select 1', []), readers.read('select 1', [])]);
  const reads = Array.from({ length: 4 }, () => readers.read(slow, []));
  const settled = Promise.allSettled(reads);
  await readers.close();
  for (const outcome of await settled)
    expect(outcome).toMatchObject({ reason: new UnavailableError('the database is closed') });
  await expect(readers.read('select 1', [])).rejects.toThrow(new UnavailableError('the database is closed'));
});

test('threads are started by the first read, and end when nothing was read for a while', async () => {
  const { readers } = await openReaders();
  await eventually(() => expect(countThreads()).toBe(0));
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  await readers.read('select 1', []);
  expect(countThreads()).toBe(1);
  vi.advanceTimersByTime(29_000);
  await readers.read('select 1', []);
  vi.advanceTimersByTime(29_000);
  expect(countThreads()).toBe(1);
  vi.advanceTimersByTime(1000);
  vi.useRealTimers();
  await eventually(() => expect(countThreads()).toBe(0));
  expect(await readers.read('select 1 as one', [])).toEqual([{ one: 1 }]);
});
