/** A whole server whose blobs are in a bucket, where a server of object storage was made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { TestApp } from '../support/app.ts';
import { seededBytes } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { createBucket, s3EnvironmentOf } from '../support/s3-bucket.ts';
import { type StorageServer, startStorageServer, whyMissing } from '../support/storage-servers/servers.ts';

const missing = whyMissing('versitygw');
const mib = 1024 * 1024;

describe.skipIf(missing !== undefined)(missing ?? 'blobs in a bucket', () => {
  let directory: string;
  let server: StorageServer;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'entrepot-s3-app-'));
    server = await startStorageServer('versitygw', { directory });
    await createBucket(server.endpoint);
  });

  afterAll(async () => {
    await server.program.stop();
    await rm(directory, { recursive: true, force: true });
  });

  test('a blob that is pushed in chunks of 1 MiB, across restarts, is pulled byte for byte', async () => {
    const app = await TestApp.start({ environment: s3EnvironmentOf(server.endpoint, 'chunks') });
    onTestFinished(() => app.close());
    await createProject(app, 'acme/shop');
    const pusher = new Pusher(app, 'acme/shop');
    const bytes = seededBytes(12 * mib + 17, 1);
    let location = await pusher.start();
    for (let start = 0; start < bytes.length; start += mib) {
      if (start === 7 * mib) {
        await app.stop();
        await app.resume();
      }
      const body = bytes.subarray(start, start + mib);
      const range = `${start}-${start + body.length - 1}`;
      const appended = await pusher.at(location, 'PATCH', { headers: { 'content-range': range }, body });
      expect(appended.status).toBe(202);
      location = appended.headers.get('location') ?? '';
    }
    const digest = digestOf(bytes);
    const end = new URL(location, app.url);
    end.searchParams.set('digest', digest);
    expect((await pusher.at(end.href, 'PUT')).status).toBe(201);
    const pulled = await pusher.ask('GET', `blobs/${digest}`);
    expect(digestOf(Buffer.from(await pulled.arrayBuffer()))).toBe(digest);
    const part = await pusher.ask('GET', `blobs/${digest}`, {
      headers: { range: `bytes=${8 * mib - 2}-${8 * mib + 1}` },
    });
    expect([part.status, Buffer.from(await part.arrayBuffer())]).toEqual([
      206,
      bytes.subarray(8 * mib - 2, 8 * mib + 2),
    ]);
  });

  test('a bucket that is not there stops the start, and is named with the call that failed', async () => {
    const environment = {
      ...s3EnvironmentOf(server.endpoint, 'start'),
      ENTREPOT_STORAGE__S3__BUCKET: 'no-such-bucket',
    };
    await expect(TestApp.start({ environment })).rejects.toMatchObject({
      reason: expect.stringMatching(/PutObject failed at s3:\/\/no-such-bucket\/start\/: .*not there/),
    });
  });
});
