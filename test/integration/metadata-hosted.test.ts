import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import {
  blobOf,
  createGroup,
  createProject,
  createRepository,
  createUser,
  digestOfText,
  linkBlob,
  manifestOf,
} from '../support/hosted-records.ts';

const fromStart = { after: '', limit: 100 };

describeEachDatabase('records of what is pushed', (open, { clock, createPlace }) => {
  test('a repository is made once, however many push to it first', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const { id } = await createProject(one, 'acme/shop');
    expect(await one.repositories.findByName('acme/shop/web')).toBeUndefined();
    const made = await Promise.all(
      [one, two, one, two].map((database) =>
        database.transaction((tx) => tx.repositories.ensure(id, 'acme/shop/web')),
      ),
    );
    expect(new Set(made.map((repository) => repository.id)).size).toBe(1);
    expect(await two.repositories.findByName('acme/shop/web')).toEqual({
      id: made[0]?.id,
      projectId: id,
      name: 'acme/shop/web',
      createdAt: clock.now,
      updatedAt: clock.now,
    });
    await expect(one.repositories.ensure(id + 1, 'acme/other')).rejects.toThrow(MissingOwner);
  });

  test('names are listed in byte order, of repositories with a manifest, as far as the role reaches', async () => {
    const database = await open();
    const push = async (name: string, visibility: 'private' | 'public') => {
      const repository = await createRepository(database, name, visibility);
      await database.repositoryManifests.save(repository.id, manifestOf('{}'));
    };
    for (const name of ['acme/b', 'acme/b/x', 'acme/b-c', 'acme/team/inside/a']) await push(name, 'private');
    for (const name of ['other/open', 'zoo/a']) await push(name, 'public');
    await createRepository(database, 'other/without', 'public');
    const userId = await createUser(database, 'ann');
    const team = await createGroup(database, 'acme/team');
    await database.members.create({ groupId: team.id, userId, accessLevel: 20 });
    const { repositories } = database;
    expect(await repositories.listNames(undefined, fromStart)).toEqual({
      names: ['acme/b', 'acme/b-c', 'acme/b/x', 'acme/team/inside/a', 'other/open', 'zoo/a'],
      hasMore: false,
    });
    expect(await repositories.listNames(undefined, { after: 'acme/b-b', limit: 2 })).toEqual({
      names: ['acme/b-c', 'acme/b/x'],
      hasMore: true,
    });
    expect(await repositories.listNames(undefined, { after: '', limit: 0 })).toEqual({
      names: [],
      hasMore: true,
    });
    const names = async (leastLevel: number) =>
      (await repositories.listNames({ userId, leastLevel }, fromStart)).names;
    expect(await names(20)).toEqual(['acme/team/inside/a', 'other/open', 'zoo/a']);
    expect(await names(30)).toEqual(['other/open', 'zoo/a']);
  });

  test('a blob is found through the repository that links it, and through no other', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const blob = blobOf('layer', 3_000_000_000);
    const { repositoryBlobs } = database;
    expect(await repositoryBlobs.link(web.id, blob.digest, blob)).toEqual(blob);
    expect(await repositoryBlobs.find(web.id, blob.digest)).toEqual(blob);
    expect(await repositoryBlobs.find(other.id, blob.digest)).toBeUndefined();
    expect(await repositoryBlobs.link(other.id, blob.digest)).toEqual(blob);
    expect(await repositoryBlobs.unlink(web.id, blob.digest)).toBe(true);
    expect(await repositoryBlobs.unlink(web.id, blob.digest)).toBe(false);
    expect(await repositoryBlobs.find(web.id, blob.digest)).toBeUndefined();
    expect(await repositoryBlobs.find(other.id, blob.digest)).toEqual(blob);
  });

  test('the first recorded copy of a blob is the one that is linked, by all who push it', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    const first = blobOf('layer');
    await database.repositoryBlobs.link(web.id, first.digest, first);
    const second = { ...first, storageKey: 'another copy' };
    expect(await database.repositoryBlobs.link(web.id, first.digest, second)).toEqual(first);
  });

  test('a link needs a repository and a record, and leaves nothing where it fails', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    const blob = blobOf('layer');
    await expect(database.repositoryBlobs.link(web.id, blob.digest)).rejects.toThrow(MissingOwner);
    await expect(database.repositoryBlobs.link(web.id + 1, blob.digest, blob)).rejects.toThrow(MissingOwner);
    expect(await database.blobs.find(blob.digest)).toBeUndefined();
  });

  test('the record of a blob cannot be lost while a repository links it', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    const { digest, storageKey } = await linkBlob(database, web.id, 'layer');
    await database.blobs.remove(digest, storageKey);
    expect(await database.repositoryBlobs.find(web.id, digest)).toBeDefined();
    await database.repositoryBlobs.unlink(web.id, digest);
    await database.blobs.remove(digest, storageKey);
    expect(await database.blobs.find(digest)).toBeUndefined();
  });

  test('missing blobs are told in their order, of more than one statement can ask for', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    const digests = Array.from({ length: 2100 }, (_, index) => digestOfText(`layer ${index}`));
    for (const index of [0, 999, 1000, 2099]) await linkBlob(database, web.id, `layer ${index}`);
    const missing = digests.filter((_, index) => ![0, 999, 1000, 2099].includes(index));
    expect(await database.repositoryBlobs.listMissing(web.id, digests)).toEqual(missing);
    expect(await database.repositoryBlobs.listMissing(web.id, [])).toEqual([]);
  });

  test('those who hold one repository change it one after another', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const web = await createRepository(one, 'acme/web');
    const manifest = manifestOf('{}');
    await one.repositoryManifests.save(web.id, manifest);
    const putUnlessFull = (database: Database, tag: string) =>
      database.transaction(async (tx) => {
        expect(await tx.repositories.hold(web.id)).toBe(true);
        if ((await tx.tags.count(web.id)) > 0) return 'full';
        await tx.tags.put(web.id, parseTag(tag), manifest.digest);
        return 'put';
      });
    const outcomes = await Promise.all([putUnlessFull(one, 'a'), putUnlessFull(two, 'b')]);
    expect(outcomes.toSorted()).toEqual(['full', 'put']);
    expect(await one.transaction((tx) => tx.repositories.hold(999))).toBe(false);
  });

  test('an instance setting is seen by all, until it is taken back', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    expect(await one.instance.get('maintenance')).toBeUndefined();
    await one.instance.set('maintenance', 'on');
    await one.instance.set('maintenance', 'still on');
    expect(await two.instance.get('maintenance')).toBe('still on');
    await two.instance.set('maintenance', undefined);
    expect(await one.instance.get('maintenance')).toBeUndefined();
  });
});
