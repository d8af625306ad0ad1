import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { OciError } from '../../src/oci/errors.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { fakeImage, seededBlob } from '../support/fake-content.ts';
import { createProject } from '../support/hosted-records.ts';
import { pushBlob, pushImage, startHosted } from '../unit/hosted/hosted-kit.ts';

const pushers = 6;
const deletions = 15;
const pauseMs = 40;

describeEachDatabase('pushing to a project that is deleted again and again', (_open, each) => {
  test('pushes succeed or are refused, and every deletion succeeds', async () => {
    const kit = await startHosted(each);
    let pushed = 0;
    const failures: unknown[] = [];
    let isOver = false;
    const push = async () => {
      for (let count = 0; !isOver; count += 1) {
        try {
          const repository = await kit.repository(`acme/shop/${count % 3}`);
          if (count % 2 === 1) await pushBlob(repository, `blob ${count % 40}`);
          else await pushImage(repository, fakeImage({ layers: [seededBlob(100, count % 20)] }), 'v1');
          pushed += 1;
        } catch (error) {
          if (!(error instanceof OciError)) failures.push(error);
          await sleep(1);
        }
      }
    };
    const pushing = Array.from({ length: pushers }, push);
    for (let count = 0; count < deletions; count += 1) {
      await sleep(pauseMs);
      await kit.database.transaction(async (tx) => {
        const project = await tx.projects.findByPath('acme/shop');
        if (!project) throw new Error('not made again');
        await tx.reviews.addProject(project.id);
        await tx.projects.remove(project.id);
      });
      await createProject(kit.database, 'acme/shop');
    }
    // On a slow machine no push may have been quicker than the deletions.
    while (pushed === 0 && failures.length === 0) await sleep(pauseMs);
    isOver = true;
    await Promise.all(pushing);
    expect(failures).toEqual([]);
  });
});
