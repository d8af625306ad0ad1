/** The driver of S3, and the stores on it, against real servers where they were made. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ObjectStorageError } from '../../src/storage/objects/object-storage.ts';
import { s3Checksums } from '../../src/storage/s3/s3-checksums.ts';
import { openS3, type S3Settings } from '../../src/storage/s3/s3-storage.ts';
import { openSqlite } from '../support/databases.ts';
import { seededBytes } from '../support/fake-content.ts';
import { describeObjectStorage } from '../support/object-storage-suite.ts';
import { describeObjectStores } from '../support/object-stores.ts';
import { createBucket, createRoot, s3SettingsOf } from '../support/s3-bucket.ts';
import { type StorageServer, startStorageServer, whyMissing } from '../support/storage-servers/servers.ts';

for (const name of ['versitygw', 'minio'] as const) {
  const missing = whyMissing(name);
  describe.skipIf(missing !== undefined)(missing === undefined ? name : `${name}: ${missing}`, () => {
    let directory: string;
    let server: StorageServer;

    beforeAll(async () => {
      directory = await mkdtemp(join(tmpdir(), 'entrepot-s3-'));
      server = await startStorageServer(name, { directory });
      await createBucket(server.endpoint);
    });

    afterAll(async () => {
      await server.program.stop();
      await rm(directory, { recursive: true, force: true });
    });

    describeObjectStorage('S3', async () => ({
      storage: await createRoot(server.endpoint).connect(),
      servesHttp: true,
      dispose: async () => undefined,
    }));

    describeObjectStores(
      'S3',
      async () => createRoot(server.endpoint),
      async () => (await openSqlite(Date.now)).objectWrites,
    );

    test.each(s3Checksums)('whole objects and parts are stored with the checksum %s', async (checksum) => {
      const storage = await openS3(s3SettingsOf(server.endpoint, { checksum }));
      const bytes = seededBytes(5 * 1024 * 1024, 1);
      await storage.put('v1/whole', bytes);
      const write = { key: 'v1/parts', id: await storage.begin('v1/parts') };
      const tags = [
        await storage.putPart(write, 1, bytes, 0),
        await storage.putPart(write, 2, bytes.subarray(7), 0),
      ];
      const sizes = [bytes.length, bytes.length - 7];
      await storage.complete(
        write,
        tags.map((tag, at) => ({ tag, number: at + 1, size: sizes[at] ?? 0 })),
      );
      expect((await storage.head('v1/whole'))?.size).toBe(bytes.length);
      expect((await storage.head('v1/parts'))?.size).toBe(2 * bytes.length - 7);
      storage.close();
    });

    test.each<[string, Partial<S3Settings>, string]>([
      ['a secret key that is wrong', { keys: { accessKey: 'entrepot', secretKey: 'wrong' } }, 'denied'],
      ['an access key that nobody knows', { keys: { accessKey: 'nobody', secretKey: 'x' } }, 'denied'],
      ['a bucket that is not there', { bucket: 'no-such-bucket' }, 'absent'],
      ['an endpoint where nobody listens', { regionEndpoint: 'http://127.0.0.1:1' }, 'unreachable'],
    ])(
      '%s is what the failure says, with the bucket, the call and what it needs',
      async (_, changes, fault) => {
        const storage = await openS3(s3SettingsOf(server.endpoint, changes));
        const failure = await storage.put('v1/x', Buffer.from('x')).catch((error: unknown) => error);
        storage.close();
        expect(failure).toBeInstanceOf(ObjectStorageError);
        expect(failure).toMatchObject({ fault, failed: { call: 'PutObject', permission: 's3:PutObject' } });
        expect(failure instanceof ObjectStorageError && failure.reason).toContain(
          `s3://${changes.bucket ?? 'entrepot-test'}/`,
        );
      },
    );
  });
}
