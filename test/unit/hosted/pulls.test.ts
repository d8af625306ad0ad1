import { describe, expect, onTestFinished, test } from 'vitest';
import { PullCounter, type PullCounterOptions } from '../../../src/hosted/pull-counter.ts';
import type { Database } from '../../../src/metadata/db/database.ts';
import { parseReference, parseRepositoryName } from '../../../src/oci/reference.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { fakeImage } from '../../support/fake-content.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type HostedKit, pushImage, startHosted } from './hosted-kit.ts';

describeEachDatabase('pulls of what was pushed', (_open, each) => {
  const { clock } = each;

  async function pushTwo(kit: HostedKit) {
    const image = fakeImage();
    const repository = await kit.repository();
    await pushImage(repository, image, 'v1');
    await pushImage(repository, image, 'v2');
    const id = (await kit.database.repositories.findByName('acme/shop'))?.id ?? 0;
    const pull = (reference: string, isPull = true) => repository.manifest(parseReference(reference), isPull);
    const tags = async () => {
      const order = { by: 'name', direction: 'asc' } as const;
      const { records } = await kit.database.tagLists.list(id, undefined, order, { page: 1, perPage: 9 });
      return records.map(({ name, pulledAt, pullsCount }) => [name, pullsCount, pulledAt]);
    };
    return { image, id, pull, tags };
  }

  test('are counted for the manifest and the tag that it was asked for by, HEAD for none', async () => {
    const kit = await startHosted(each);
    const { image, id, pull, tags } = await pushTwo(kit);
    const before = clock.now;
    await pull('v1');
    clock.now += 1000;
    await pull('v1');
    await pull('v2', false);
    clock.now += 1000;
    await pull(image.digest);
    await kit.pulls.flush();
    expect(await tags()).toEqual([
      ['v1', 2, before + 1000],
      ['v2', 0, undefined],
    ]);
    expect((await kit.database.repositories.find(id))?.pulledAt).toBe(before + 2000);
  });

  test('are counted for each tag of a manifest, however close they are', async () => {
    const kit = await startHosted(each);
    const { pull, tags } = await pushTwo(kit);
    for (const tag of ['v1', 'v2', 'v1']) await pull(tag);
    await kit.pulls.flush();
    expect(await tags()).toEqual([
      ['v1', 2, clock.now],
      ['v2', 1, clock.now],
    ]);
  });

  test('write nothing until they are recorded together, and what was counted adds up', async () => {
    const kit = await startHosted(each);
    const { pull, tags } = await pushTwo(kit);
    for (let count = 0; count < 3; count += 1) await pull('v1');
    expect(await tags()).toEqual([
      ['v1', 0, undefined],
      ['v2', 0, undefined],
    ]);
    await kit.pulls.flush();
    await pull('v1');
    await kit.pulls.flush();
    expect(await tags()).toEqual([
      ['v1', 4, clock.now],
      ['v2', 0, undefined],
    ]);
  });

  test('of what is gone when they are recorded are forgotten', async () => {
    const kit = await startHosted(each);
    const { image, id, pull, tags } = await pushTwo(kit);
    await pull('v1');
    await kit.database.repositoryManifests.remove(id, image.digest);
    await kit.pulls.flush();
    expect(await tags()).toEqual([]);
    expect(kit.errors).toEqual([]);
  });

  test('a push of a tag is when its repository was published last, a push by digest is not', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const published = async () => (await kit.database.repositories.findByName('acme/shop'))?.publishedAt;
    const image = fakeImage();
    await pushImage(repository, image);
    expect(await published()).toBeUndefined();
    clock.now += 1000;
    await pushImage(repository, image, 'v1');
    expect(await published()).toBe(clock.now);
  });
});

describe('pulls that are counted', () => {
  const pull = { repositoryId: 1, digest: fakeImage().digest, tag: undefined };

  /** Whose records fail as long as `isBroken`. */
  function start() {
    const recorded: Parameters<PullCounterOptions['records']['record']>[0][] = [];
    const errors: string[] = [];
    const records = { isBroken: false };
    const counter = new PullCounter({
      records: {
        async record(pulls) {
          if (records.isBroken) throw new Error('no database');
          recorded.push(pulls);
        },
      },
      flushMs: 60_000,
      now: () => 42,
      log: { ...silentLog, error: (_, message) => void errors.push(message) },
    });
    onTestFinished(() => counter.close());
    return { recorded, errors, records, counter };
  }

  test('are kept where they cannot be recorded, which the operator is told', async () => {
    const { recorded, errors, records, counter } = start();
    records.isBroken = true;
    counter.count(pull);
    await counter.flush();
    expect(errors).toHaveLength(1);
    records.isBroken = false;
    counter.count(pull);
    await counter.flush();
    expect(recorded).toEqual([[{ ...pull, count: 2, lastAt: 42 }]]);
  });

  test('are of a hundred thousand manifests at once at most, which the operator is told', async () => {
    const { recorded, errors, counter } = start();
    for (let repositoryId = 0; repositoryId <= 100_000; repositoryId += 1)
      counter.count({ ...pull, repositoryId });
    await counter.flush();
    expect(recorded.flat()).toHaveLength(100_000);
    expect(errors).toHaveLength(1);
  });

  test('are recorded at the end', async () => {
    const { recorded, counter } = start();
    counter.count(pull);
    await counter.close();
    expect(recorded).toHaveLength(1);
  });
});

describeEachDatabase('a repository that is being deleted', (_open, each) => {
  const gone = { code: 'DENIED', status: 409, detail: expect.stringMatching(/acme\/shop is being deleted/) };

  async function startDeleting(database: Database, status: 'delete_scheduled' | 'delete_failed') {
    const id = (await database.repositories.findByName('acme/shop'))?.id ?? 0;
    await database.repositoryRemovals.mark(id, status, 0);
  }

  test('takes no uploads, manifests, mounts or deletions, and says why; it can be pulled from', async () => {
    const kit = await startHosted(each);
    const repository = await kit.repository();
    const image = fakeImage();
    await pushImage(repository, image, 'v1');
    const [blob] = [image.config?.digest ?? expect.fail('no config')];
    const other = await kit.repository('acme/shop/other');
    await pushImage(other, image, 'v1');
    await startDeleting(kit.database, 'delete_scheduled');
    await expect(repository.uploads.start()).rejects.toMatchObject(gone);
    await expect(
      repository.putManifest(parseReference('v2'), {
        payload: Buffer.from(image.payload),
        contentType: image.mediaType,
        tags: [],
      }),
    ).rejects.toMatchObject(gone);
    await expect(repository.mount(blob, other)).rejects.toMatchObject(gone);
    await expect(repository.deleteManifest(parseReference('v1'))).rejects.toMatchObject(gone);
    await expect(repository.deleteBlob(blob)).rejects.toMatchObject(gone);
    const read = await kit.repositories.find(parseRepositoryName('acme/shop'));
    expect((await read?.manifest(parseReference('v1'), true))?.digest).toBe(image.digest);
  });

  test('is like any other when the deletion was given up', async () => {
    const kit = await startHosted(each);
    await pushImage(await kit.repository(), fakeImage(), 'v1');
    await startDeleting(kit.database, 'delete_failed');
    await pushImage(await kit.repository(), fakeImage(), 'v2');
    expect((await (await kit.repository()).tags({ after: '', limit: 9 })).tags).toEqual(['v1', 'v2']);
  });
});
