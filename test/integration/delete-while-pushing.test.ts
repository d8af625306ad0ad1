import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository, linkBlob } from '../support/hosted-records.ts';
import { RestApi } from '../support/rest-api.ts';
import { readBlobReviews } from '../support/review-rows.ts';

/** Longer than it takes until a deletion waits for something. */
const headStartMs = 200;

describeEachDatabase('deleting while something is pushed', (open, { name, clock, createPlace }) => {
  // On SQLite there is one transaction at a time.
  const onPostgres = test.runIf(name === 'PostgreSQL');

  onPostgres.each([
    ['/projects/acme%2Fshop', 'acme/shop/worker'],
    ['/projects/acme%2Fshop', 'acme/shop/new'],
    ['/groups/acme', 'acme/shop/worker'],
    ['/groups/acme', 'acme/shop/new'],
  ])('DELETE %s and a push to %s both come to their end', async (path, repository) => {
    const place = await createPlace();
    const [ours, pushers] = [await open(place), await open(place)];
    const api = await RestApi.start(ours, clock);
    const project = await api.createProject(await api.createGroup('acme'), 'shop');
    const web = await createRepository(ours, 'acme/shop/web');
    await createRepository(ours, 'acme/shop/worker');
    const { digest } = await linkBlob(ours, web.id, 'layer');
    const deletion = await pushers.transaction(async (tx) => {
      const { id } = await tx.repositories.ensure(project, repository);
      await linkBlob(tx, id, 'layer');
      const answer = api.ask('DELETE', path);
      await sleep(headStartMs);
      await tx.reviews.addBlobs([digest], 'blob_upload');
      return { answer };
    });
    expect(await deletion.answer).toMatchObject({ status: 202 });
    expect(await ours.repositories.findByName(repository)).toBeUndefined();
    expect(await readBlobReviews(place)).toMatchObject([{ digest, event: 'project_delete' }]);
  });
});
