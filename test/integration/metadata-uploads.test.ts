import { expect, test } from 'vitest';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import type { UploadRecord } from '../../src/metadata/hosted/upload-records.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject, digestOfText } from '../support/hosted-records.ts';

const digest = digestOfText('blob');

describeEachDatabase('records of upload sessions', (open, { createPlace }) => {
  const openWithProject = async () => {
    const database = await open();
    const { id: projectId } = await createProject(database, 'acme/shop');
    const create = async (id: string, more: Partial<UploadRecord> = {}) => {
      const upload = {
        id,
        projectId,
        repository: 'acme/shop/web',
        writer: 'user:1',
        startedAt: 5,
        expiresAt: 100,
      };
      await database.uploads.create({ ...upload, ...more });
      return { ...upload, ...more, finishedDigest: undefined };
    };
    return { projectId, uploads: database.uploads, create };
  };

  test('a session is kept as it was started', async () => {
    const { uploads, create, projectId } = await openWithProject();
    const session = await create('one');
    expect(await uploads.find('one')).toEqual(session);
    expect(await uploads.find('two')).toBeUndefined();
    expect(await uploads.remove('one')).toBe(true);
    expect(await uploads.remove('one')).toBe(false);
    expect(await uploads.find('one')).toBeUndefined();
    await expect(create('two', { projectId: projectId + 1 })).rejects.toThrow(MissingOwner);
  });

  test('a session is finished once, and its end is remembered', async () => {
    const { uploads, create } = await openWithProject();
    const session = await create('one');
    expect(await uploads.finish('one', digest, 700)).toBe(true);
    expect(await uploads.finish('one', digestOfText('other'), 900)).toBe(false);
    expect(await uploads.finish('two', digest, 700)).toBe(false);
    expect(await uploads.find('one')).toEqual({ ...session, expiresAt: 700, finishedDigest: digest });
  });

  test('of two who finish a session at once, one does', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const { id: projectId } = await createProject(one, 'acme/shop');
    const upload = {
      id: 'one',
      projectId,
      repository: 'acme/shop',
      writer: 'user:1',
      startedAt: 0,
      expiresAt: 9,
    };
    await one.uploads.create(upload);
    const ends = [one, two].map((database) =>
      database.transaction((tx) => tx.uploads.finish('one', digest, 700)),
    );
    expect((await Promise.all(ends)).toSorted()).toEqual([false, true]);
  });

  test('sessions of a writer that go on are counted', async () => {
    const { uploads, create } = await openWithProject();
    for (const id of ['one', 'two', 'finished']) await create(id);
    await create('expired', { expiresAt: 50 });
    await create('of another', { writer: 'user:2' });
    await uploads.finish('finished', digest, 700);
    expect(await uploads.countActive('user:1', 50)).toBe(2);
    expect(await uploads.countActive('user:1', 49)).toBe(3);
    expect(await uploads.countActive('user:3', 50)).toBe(0);
  });

  test('sessions go when they expire, finished or not', async () => {
    const { uploads, create } = await openWithProject();
    for (const id of ['one', 'finished']) await create(id);
    await create('later', { expiresAt: 101 });
    await uploads.finish('finished', digest, 99);
    expect(await uploads.removeExpired(98)).toBe(0);
    expect(await uploads.removeExpired(100)).toBe(2);
    expect(await uploads.find('later')).toBeDefined();
    expect(await uploads.find('one')).toBeUndefined();
  });

  test('the sessions whose bytes are needed are told apart, however many are asked for', async () => {
    const { uploads, create } = await openWithProject();
    for (const id of ['one', 'two', 'finished']) await create(id);
    await uploads.finish('finished', digest, 700);
    const strangers = Array.from({ length: 1500 }, (_, index) => `stranger ${index}`);
    expect(await uploads.listKnown(['one', 'finished', ...strangers, 'two'])).toEqual(
      new Set(['one', 'two']),
    );
    expect(await uploads.listKnown([])).toEqual(new Set());
  });
});
