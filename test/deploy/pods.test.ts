/** What the pods of the Helm chart run is a server that pulls. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { FakeRegistry } from '../support/fake-registry.ts';
import { createDatabase } from '../support/postgres-database.ts';
import { createBucket, s3SettingsOf } from '../support/s3-bucket.ts';
import { s3Keys, startStorageServer } from '../support/storage-servers/servers.ts';
import { containerOf, manifestsOf, onBucket, render } from './support/chart.ts';
import { rootToken, runContainer, startContainer } from './support/container.ts';
import { addImage, addUpstream, expectPull } from './support/pulling.ts';
import { findBucketServer, findHelm } from './support/tools.ts';

const found = await findHelm();
const helm = 'path' in found ? found.path : '';
const absent = 'missing' in found ? [found.missing] : [];
if (absent.length > 0) console.log(`the chart's pods are not started: ${absent.join(', ')}`);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-pods-'));
afterAll(() => rmSync(directory, { recursive: true }));

test.skipIf(absent.length > 0)(
  'what a pod runs as the chart stands is a server that pulls, and keeps its data',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const pulled = addImage(upstream);
    const container = containerOf(manifestsOf(await render({ helm, values: {} })), 'Deployment');
    const withToken = { ...container, env: { ...container.env, ENTREPOT_ROOT_TOKEN: rootToken } };
    const home = join(directory, 'alone');
    const first = await startContainer(withToken, home);
    await addUpstream(first.url, upstream.url);
    await expectPull(first.url, pulled);
    expect((await fetch(`${first.operationsUrl}/metrics`)).status).toBe(200);
    await first.program.stop();
    await upstream.stop();
    const second = await startContainer(container, home);
    await expectPull(second.url, pulled, pulled.digest);
    await second.program.stop();
  },
);

/** As the file of settings has them. */
function settingsOfBucket(endpoint: string) {
  const { bucket, region } = s3SettingsOf(endpoint);
  return { bucket, region, region_endpoint: endpoint, path_style: true };
}

const postgres = process.env['TEST_POSTGRES_URL'];
if (postgres === undefined)
  console.log('pods that share PostgreSQL are not started: TEST_POSTGRES_URL names none');

const bucketServer = await findBucketServer();
const withoutBucket = 'missing' in bucketServer ? [bucketServer.missing] : [];
if (withoutBucket.length > 0) console.log(`pods that share a bucket are not started: ${withoutBucket}`);

test.skipIf(absent.length > 0 || postgres === undefined || withoutBucket.length > 0)(
  'what two pods run beside each other on a bucket pulls once, after the job that brings the database up to date',
  async () => {
    await using upstream = await new FakeRegistry().start();
    const pulled = addImage(upstream);
    const database = await createDatabase(postgres ?? '');
    const s3 = await startStorageServer('versitygw', { directory: join(directory, 's3') });
    try {
      await createBucket(s3.endpoint);
      const values = {
        ...onBucket,
        config: { storage: { driver: 's3', s3: settingsOfBucket(s3.endpoint) } },
        secrets: { ...onBucket.secrets, ENTREPOT_ROOT_TOKEN: { name: 'entrepot', key: 'root' } },
      };
      const manifests = manifestsOf(await render({ helm, values, args: ['--is-upgrade'] }));
      const secrets = {
        'entrepot/secret-key': Buffer.alloc(32, 7).toString('base64'),
        'entrepot/database-url': database.url,
        'entrepot/access-key': s3Keys.accessKey,
        'entrepot/bucket-key': s3Keys.secretKey,
        'entrepot/root': rootToken,
      };
      await runContainer(containerOf(manifests, 'Job', secrets), join(directory, 'job'));
      const pod = containerOf(manifests, 'Deployment', secrets);
      const one = await startContainer(pod, join(directory, 'one'));
      const other = await startContainer(pod, join(directory, 'other'));
      await addUpstream(one.url, upstream.url);
      await expectPull(one.url, pulled);
      // It ends when what it serves is also kept.
      await one.program.stop();
      await upstream.stop();
      await expectPull(other.url, pulled, pulled.digest);
      await other.program.stop();
    } finally {
      await s3.program.stop(1000);
      await database.drop();
    }
  },
);
