/** Blobs that are moved from files to a bucket and back, under clients that push and pull, by a command that is killed on its way. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Digest, digestOf } from '../../src/oci/digest.ts';
import { openS3 } from '../../src/storage/s3/s3-storage.ts';
import { TestApp } from '../support/app.ts';
import { bytesOf } from '../support/bodies.ts';
import { seededBytes } from '../support/fake-content.ts';
import { Run } from '../support/program.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { runTask } from '../support/run-task.ts';
import { createBucket, s3EnvironmentOf, s3SettingsOf } from '../support/s3-bucket.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';

/** A few, for each change. */
const count = Number(process.env['MIGRATED_BLOBS'] ?? 120);
const clients = 16;
const dayMs = 86_400_000;
const mib = 1024 * 1024;

const why = whyMissing('versitygw');
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)('storage migrate', () => {
  const server = holdStorageServer('versitygw');

  async function start() {
    const { endpoint } = server();
    await createBucket(endpoint);
    const root = 'migrated';
    const environment: Record<string, string> = {
      ...s3EnvironmentOf(endpoint, root),
      ENTREPOT_STORAGE__DRIVER: 'filesystem',
      // No manifest has these blobs.
      ENTREPOT_GC__REVIEW_AFTER: '30d',
    };
    const app = await TestApp.start({ environment });
    onTestFinished(() => app.close());
    const bucket = await openS3(s3SettingsOf(endpoint, { rootDirectory: root }));
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    /** Those that were acknowledged. */
    const blobs: Digest[] = [];
    const failures: unknown[] = [];
    let seed = 0;

    async function push(bytes = 2000 + (seed % 50) * 1000): Promise<void> {
      seed += 1;
      blobs.push(await pusher.blob(seededBytes(bytes, seed)));
    }

    async function pull(digest: Digest | undefined): Promise<void> {
      const answer = await pusher.ask('GET', `blobs/${digest}`);
      const bytes = await bytesOf(answer);
      if (answer.status !== 200 || digestOf(bytes) !== digest) throw new Error(`${digest}: ${answer.status}`);
    }

    return {
      app,
      bucket,
      blobs,
      failures,
      push,
      pull,
      command: (...args: string[]) =>
        new Run(app.dataDirectory, ['storage', 'migrate', ...args], app.environment),
      objects: async () => (await Array.fromAsync(bucket.list('v1/'))).length,
      /** New bytes go there from now on. */
      async switchTo(driver: string): Promise<void> {
        await app.stop();
        environment['ENTREPOT_STORAGE__DRIVER'] = driver;
        await app.resume();
      },
      /** Clients push and pull until it is done. */
      async among<T>(work: () => Promise<T>): Promise<T> {
        let isOver = false;
        const client = async (number: number) => {
          for (let turn = number; !isOver; turn += clients)
            await (turn % 10 === 0 ? push() : pull(blobs[turn % blobs.length])).catch((error: unknown) =>
              failures.push(error),
            );
        };
        const running = Array.from({ length: clients }, (_, number) => client(number));
        try {
          return await work();
        } finally {
          isOver = true;
          await Promise.all(running);
        }
      },
      async pullAll(): Promise<void> {
        for (const digest of blobs) await pull(digest);
      },
    };
  }

  test('moves all to a bucket and back while clients push and pull, though it is killed: nothing fails, and nothing is lost', {
    timeout: 1_200_000,
  }, async () => {
    const { app, blobs, failures, push, pullAll, command, objects, switchTo, among } = await start();
    while (blobs.length < count) await push();
    // Too big for one part.
    await push(13 * mib);

    const dry = command('--to', 's3', '--dry-run');
    expect(await dry.exitCode(), dry.stderr).toBe(0);
    expect(dry.stdout).toMatch(
      new RegExp(`^${blobs.length} blobs with \\d+ bytes would move from filesystem to s3\\.\n$`),
    );

    await switchTo('s3');
    await among(async () => {
      const killed = command('--bytes-per-second', '2MiB');
      await expect.poll(objects, { timeout: 120_000 }).toBeGreaterThan(20);
      await killed.end('SIGKILL');
      expect(killed.stdout).not.toContain('All blobs');
      const moved = command();
      expect(await moved.exitCode(), moved.stderr).toBe(0);
      expect(moved.stdout).toContain('All blobs are in s3');
    });
    expect(failures).toEqual([]);
    await pullAll();
    const check = new Run(app.dataDirectory, ['storage', 'check'], app.environment);
    expect([await check.exitCode(), check.stdout]).toEqual([0, expect.stringContaining('All are sound')]);

    await runTask(app, 'storage.orphans', dayMs);
    expect(await app.filesUnder('v1/blobs')).toEqual([]);
    await pullAll();

    await switchTo('filesystem');
    await among(async () => {
      const back = command();
      expect(await back.exitCode(), back.stderr).toBe(0);
      expect(back.stdout).toContain('All blobs are in filesystem');
    });
    expect(failures).toEqual([]);
    for (const task of ['storage.writes', 'storage.orphans']) await runTask(app, task, dayMs);
    await runTask(app, 'storage.orphans', dayMs);
    expect(await objects()).toBe(1);
    await pullAll();
  });
});
