import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import {
  createProject,
  createRepository,
  digestOfText,
  linkBlob,
  manifestOf,
} from '../support/hosted-records.ts';
import { readBlobReviews, readManifestReviews } from '../support/review-rows.ts';

const dayMs = 86_400_000;

describeEachDatabase('records for the collector', (open, { clock, createPlace }) => {
  test('a blob is looked at a day after the last event, and only where it has a record', async () => {
    const place = await createPlace();
    const database = await open(place);
    const web = await createRepository(database, 'acme/web');
    const { digest } = await linkBlob(database, web.id, 'layer');
    await database.reviews.addBlobs([digest, digestOfText('absent'), digest], 'blob_upload');
    const review = { digest, event: 'blob_upload', review_after: clock.now + dayMs };
    expect(await readBlobReviews(place)).toEqual([review]);
    clock.now += 5000;
    await database.reviews.addBlobs([digest], 'manifest_delete');
    expect(await readBlobReviews(place)).toEqual([
      { digest, event: 'manifest_delete', review_after: clock.now + dayMs },
    ]);
    await database.reviews.addBlobs([], 'manifest_delete');
    expect(await readBlobReviews(place)).toHaveLength(1);
  });

  test('a manifest is looked at in its repository, and no more once it is gone', async () => {
    const place = await createPlace();
    const database = await open(place);
    const web = await createRepository(database, 'acme/web');
    const other = await createRepository(database, 'acme/other');
    const [first, second] = [manifestOf('{"n":1}'), manifestOf('{"n":2}')];
    for (const { id } of [web, other]) await database.repositoryManifests.save(id, first);
    await database.repositoryManifests.save(web.id, second);
    const digests = [first.digest, second.digest, digestOfText('absent')];
    await database.reviews.addManifests(other.id, digests, 'tag_delete');
    await database.reviews.addManifests(web.id, digests, 'tag_switch');
    const review = { repository_id: web.id, event: 'tag_switch', review_after: clock.now + dayMs };
    const ofOther = { ...review, repository_id: other.id, digest: first.digest, event: 'tag_delete' };
    const ofWeb = [first.digest, second.digest].toSorted().map((digest) => ({ ...review, digest }));
    expect(await readManifestReviews(place)).toEqual([...ofWeb, ofOther]);
    clock.now += 5000;
    await database.reviews.addManifests(web.id, [first.digest], 'tag_delete');
    await database.repositoryManifests.remove(web.id, second.digest);
    expect(await readManifestReviews(place)).toEqual([
      { ...review, digest: first.digest, event: 'tag_delete', review_after: clock.now + dayMs },
      ofOther,
    ]);
  });

  test('all blobs of a project, or of all projects of a group, are looked at once they are removed', async () => {
    const place = await createPlace();
    const database = await open(place);
    await createProject(database, 'acme/shop');
    const web = await createRepository(database, 'acme/shop/web');
    const worker = await database.repositories.ensure(web.projectId, 'acme/shop/worker');
    const team = await createRepository(database, 'acme/team/a');
    const stranger = await createRepository(database, 'acme-b/a');
    const layer = await linkBlob(database, web.id, 'layer');
    await linkBlob(database, worker.id, 'layer');
    const own = await linkBlob(database, worker.id, 'of the worker');
    const inside = await linkBlob(database, team.id, 'of the team');
    await linkBlob(database, stranger.id, 'of a stranger');
    const waiting = async () => (await readBlobReviews(place)).map((review) => [review.digest, review.event]);
    const expected = (digests: string[]) => digests.toSorted().map((digest) => [digest, 'project_delete']);
    await database.reviews.addProject(web.projectId);
    expect(await waiting()).toEqual(expected([layer.digest, own.digest]));
    await database.reviews.addGroup('acme');
    await database.groups.remove((await database.groups.findByPath('acme'))?.id ?? 0);
    expect(await waiting()).toEqual(expected([layer.digest, own.digest, inside.digest]));
  });

  test('more can be told of than one statement holds, by two at once in any order', async () => {
    const place = await createPlace();
    const [one, two] = [await open(place), await open(place)];
    const { id } = await createProject(one, 'acme/shop');
    const web = await one.repositories.ensure(id, 'acme/shop');
    await one.transaction(async (tx) => {
      for (let index = 0; index < 1500; index++) await linkBlob(tx, web.id, `layer ${index}`);
    });
    const digests = Array.from({ length: 1500 }, (_, index) => digestOfText(`layer ${index}`));
    await Promise.all([
      one.transaction((tx) => tx.reviews.addBlobs(digests, 'blob_delete')),
      two.transaction((tx) => tx.reviews.addBlobs(digests.toReversed(), 'blob_delete')),
    ]);
    expect(await readBlobReviews(place)).toHaveLength(1500);
  });
});
