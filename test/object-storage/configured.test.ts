/** Whole servers whose settings name a cloud. */
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { TestApp } from '../support/app.ts';
import { seededBytes } from '../support/fake-content.ts';
import { createProject, Pusher } from '../support/pushing.ts';
import { GcsMultipart } from '../support/storage-servers/gcs-multipart.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { azureAccount, azureAccountKey, whyMissing } from '../support/storage-servers/servers.ts';

/** Too big for one part. */
const bytes = seededBytes(12 * 1024 * 1024 + 17, 1);
const digest = digestOf(bytes);

async function pushAndPull(environment: Readonly<Record<string, string>>): Promise<void> {
  const app = await TestApp.start({ environment });
  onTestFinished(() => app.close());
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop');
  await pusher.blob(bytes);
  // What is found then is found by the records.
  await app.stop();
  await app.resume();
  const pulled = await pusher.ask('GET', `blobs/${digest}`);
  expect(digestOf(Buffer.from(await pulled.arrayBuffer()))).toBe(digest);
}

describe.skipIf(whyMissing('azurite') !== undefined)('Azure', () => {
  const server = holdStorageServer('azurite');

  test('keeps blobs where a container is configured', async () => {
    const serviceUrl = `${server().endpoint}/${azureAccount}`;
    const credential = new StorageSharedKeyCredential(azureAccount, azureAccountKey);
    const { containerClient } = await new BlobServiceClient(serviceUrl, credential).createContainer('blobs');
    await pushAndPull({
      ENTREPOT_STORAGE__DRIVER: 'azure',
      ENTREPOT_STORAGE__AZURE__ACCOUNT_NAME: azureAccount,
      ENTREPOT_STORAGE__AZURE__CONTAINER: 'blobs',
      ENTREPOT_STORAGE__AZURE__SERVICE_URL: serviceUrl,
      ENTREPOT_STORAGE__AZURE__ACCOUNT_KEY: azureAccountKey,
    });
    const names = (await Array.fromAsync(containerClient.listBlobsFlat())).map(({ name }) => name);
    expect(names.some((name) => name.startsWith('v1/'))).toBe(true);
  });
});

describe.skipIf(whyMissing('fake-gcs-server') !== undefined)('Google Cloud Storage', () => {
  const server = holdStorageServer('fake-gcs-server');

  test('keeps blobs where a bucket is configured', async () => {
    const multipart = await GcsMultipart.start(server().endpoint);
    onTestFinished(() => multipart.stop());
    const buckets = `${server().endpoint}/storage/v1/b`;
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ name: 'blobs' });
    await fetch(`${buckets}?project=test`, { method: 'POST', headers, body });
    await pushAndPull({
      ENTREPOT_STORAGE__DRIVER: 'gcs',
      ENTREPOT_STORAGE__GCS__BUCKET: 'blobs',
      ENTREPOT_STORAGE__GCS__ENDPOINT: multipart.endpoint,
    });
    const listed = await fetch(`${buckets}/blobs/o`);
    expect(JSON.stringify(await listed.json())).toContain('"v1/');
  });
});
