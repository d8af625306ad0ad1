/** Clients as people use them, which are sent to a bucket for blobs. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBucket, s3EnvironmentOf } from '../support/s3-bucket.ts';
import { FaultyBucket } from '../support/storage-servers/faulty-bucket.ts';
import { type StorageServer, startStorageServer, whyMissing } from '../support/storage-servers/servers.ts';
import { installedClients } from './support/clients/installed.ts';
import { HostedStage } from './support/hosted-stage.ts';
import { digestAt } from './support/registry-content.ts';

const why = whyMissing('versitygw');
if (why !== undefined) test.skip(`clients are sent to a bucket for blobs (${why})`);
const clients = why === undefined ? await installedClients('is sent to a bucket for blobs') : [];

describe.skipIf(clients.length === 0)('a client that is sent to a bucket for blobs', () => {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-redirects-'));
  let storage: StorageServer;
  let bucket: FaultyBucket;
  let stage: HostedStage;
  /** What came to the bucket with a signed URL. */
  let signed: { readonly method: string | undefined; readonly authorization: string | undefined }[];

  beforeAll(async () => {
    storage = await startStorageServer('versitygw', { directory });
    await createBucket(storage.endpoint);
    bucket = await FaultyBucket.before(storage.endpoint);
    bucket.faultOf = ({ method, url, headers: { authorization } }) => {
      if (url?.includes('X-Amz-Signature=')) signed.push({ method, authorization });
      return undefined;
    };
    stage = await HostedStage.start({
      ...s3EnvironmentOf(bucket.endpoint, 'root'),
      ENTREPOT_STORAGE__REDIRECT: '{"min_bytes":1}',
    });
  });
  afterAll(async () => {
    await stage.close();
    await bucket.close();
    await storage.program.stop();
    rmSync(directory, { recursive: true, force: true });
  });

  test.each(clients)(
    '$title gets an image from there, and its manifest from the registry, twice',
    async (kind) => {
      signed = [];
      const client = await stage.open(kind, kind.name);
      const image = 'team/project/base/schema2';
      const { host, authorization } = stage.server;
      const digest = await digestAt(`http://${host}`, `${image}:1`, authorization);
      for (let times = 0; times < 2; times += 1)
        expect(await client.pull(`${host}/${image}:1`)).toContain(digest);
      expect(signed.length).toBeGreaterThan(0);
      expect(signed.filter(({ method }) => method !== 'GET')).toEqual([]);
      expect(signed.filter((each) => each.authorization !== undefined)).toEqual([]);
    },
  );
});
