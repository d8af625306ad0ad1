import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { GcsSettings } from '../../src/storage/gcs/gcs-client.ts';
import { openGcsStorage } from '../../src/storage/gcs/gcs-storage.ts';
import { openSqlite } from '../support/databases.ts';
import { describeObjectStorage } from '../support/object-storage-suite.ts';
import { describeObjectStores } from '../support/object-stores.ts';
import { GcsMultipart } from '../support/storage-servers/gcs-multipart.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';

const why = whyMissing('fake-gcs-server');
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)('Google Cloud Storage', () => {
  const server = holdStorageServer('fake-gcs-server');
  let multipart: GcsMultipart;
  let directory: string;
  let keyFile: string;
  let buckets = 0;

  beforeAll(async () => {
    multipart = await GcsMultipart.start(server().endpoint);
    directory = await mkdtemp(join(tmpdir(), 'entrepot-gcs-'));
    keyFile = join(directory, 'key.json');
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(
      keyFile,
      JSON.stringify({
        type: 'service_account',
        project_id: 'test',
        client_email: 'entrepot@test.iam.gserviceaccount.com',
        private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
      }),
    );
  });

  afterAll(async () => {
    await multipart?.stop();
    await rm(directory, { recursive: true, force: true });
  });

  /** Of an empty bucket. */
  async function settings(changes: Partial<GcsSettings> = {}): Promise<GcsSettings> {
    buckets += 1;
    const bucket = `bucket-${buckets}`;
    const body = JSON.stringify({ name: bucket });
    const headers = { 'content-type': 'application/json' };
    await fetch(`${server().endpoint}/storage/v1/b?project=test`, { method: 'POST', headers, body });
    return { bucket, rootDirectory: '', keyFile, endpoint: multipart.endpoint, ...changes };
  }

  describe.each(['', 'a/b'])('below the root "%s"', (rootDirectory) => {
    describeObjectStorage('a bucket', async () => ({
      storage: await openGcsStorage(await settings({ rootDirectory }), Date.now),
      servesHttp: true,
      dispose: async () => undefined,
    }));
  });

  describeObjectStores(
    'a bucket',
    async () => {
      const known = await settings();
      return { connect: () => openGcsStorage(known, Date.now), dispose: async () => undefined };
    },
    async () => (await openSqlite(Date.now)).objectWrites,
  );

  test.each([
    [404, '<Error><Code>NoSuchBucket</Code></Error>', 'absent'],
    [403, '<Error><Code>AccessDenied</Code></Error>', 'denied'],
  ])('the answer %s %s is named, with the call and what it needs', async (status, body, fault) => {
    const known = await settings();
    const storage = await openGcsStorage(known, Date.now);
    multipart.refusals.push({ status, body });
    const error = await storage.begin('a').catch((each: unknown) => each);
    expect(error).toMatchObject({ fault, failed: { permission: 'storage.multipartUploads.create' } });
    expect(error).toHaveProperty('reason', expect.stringContaining(`gs://${known.bucket}`));
  });
});
