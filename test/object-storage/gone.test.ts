/** What records know is asked of no bucket; what has gone from it is found when it is read, and healed. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { openS3 } from '../../src/storage/s3/s3-storage.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf } from '../support/bodies.ts';
import { fakeImage, seededBlob, seededBytes } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { createBucket, s3EnvironmentOf, s3SettingsOf } from '../support/s3-bucket.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';

const why = whyMissing('versitygw');
if (why !== undefined) console.log(why);

/** Too big to be kept in memory. */
const size = 100_000;

describe.skipIf(why !== undefined)('a blob in a bucket', () => {
  const server = holdStorageServer('versitygw');

  /** @param root within the bucket */
  async function start(root: string, upstreams: readonly FakeRegistry[] = []) {
    const { endpoint } = server();
    await createBucket(endpoint).catch(() => undefined);
    const app = await TestApp.start({ environment: s3EnvironmentOf(endpoint, root), upstreams });
    onTestFinished(() => app.close());
    const bucket = await openS3(s3SettingsOf(endpoint, { rootDirectory: root }));
    return {
      app,
      async loseAll(): Promise<void> {
        for await (const { key } of bucket.list('v1/')) if (key !== 'v1/store') await bucket.delete(key);
      },
      /** What clients ask for, of a kind. */
      async calls(name: string): Promise<number> {
        const line = new RegExp(
          `^entrepot_object_storage_requests_total\\{call="${name}",result="ok"\\} (\\d+)$`,
          'm',
        );
        return Number(line.exec(await app.metrics())?.[1] ?? 0);
      },
    };
  }

  test('that was pushed is told of by the records, absent once a pull has missed it, and healed by a push', async () => {
    const { app, loseAll, calls } = await start('pushed');
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const bytes = seededBytes(size, 1);
    const digest = await pusher.blob(bytes);
    const ask = async (method: string) => (await pusher.ask(method, `blobs/${digest}`)).status;
    await app.stop();
    await app.resume();
    const before = [await calls('head'), await calls('get')];
    expect([await ask('HEAD'), await ask('HEAD')]).toEqual([200, 200]);
    expect((await pusher.ask('HEAD', `blobs/${digest}`)).headers.get('content-length')).toBe(`${size}`);
    expect([await calls('head'), await calls('get')]).toEqual(before);
    expect(await ask('GET')).toBe(200);
    expect([await calls('head'), await calls('get')]).toEqual([before[0], (before[1] ?? 0) + 1]);

    await loseAll();
    expect(await ask('HEAD')).toBe(200);
    expect([await ask('GET'), await ask('HEAD'), await ask('GET')]).toEqual([404, 404, 404]);
    await pusher.blob(bytes);
    const healed = await pusher.ask('GET', `blobs/${digest}`);
    expect(digestOf(await bytesOf(healed))).toBe(digest);
    expect(await ask('HEAD')).toBe(200);
  });

  test('that was fetched is fetched again by the pull that misses it', async () => {
    const registry = await new FakeRegistry().start();
    onTestFinished(() => registry.stop());
    const layer = seededBlob(size, 2);
    registry.repository('team/app').push(fakeImage({ layers: [layer] }), 'latest');
    const { app, loseAll } = await start('fetched', [registry]);
    await app.manifest('team/app', 'latest');
    for (const meanwhile of [async () => undefined, loseAll, async () => undefined]) {
      // What was fetched is in the bucket once its fill has ended, for which a server that stops waits.
      await app.stop();
      await meanwhile();
      await app.resume();
      const answer = await app.blob('team/app', layer.digest);
      expect([answer.status, digestOf(await bytesOf(answer))]).toEqual([200, layer.digest]);
    }
    expect(registry.requests.filter(({ reference }) => reference === layer.digest)).toHaveLength(2);
  });
});
