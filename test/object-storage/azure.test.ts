import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import { describe, expect, test } from 'vitest';
import type { AzureSettings } from '../../src/storage/azure/azure-client.ts';
import { openAzureStorage } from '../../src/storage/azure/azure-storage.ts';
import { openSqlite } from '../support/databases.ts';
import { describeObjectStorage } from '../support/object-storage-suite.ts';
import { describeObjectStores } from '../support/object-stores.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { azureAccount, azureAccountKey, whyMissing } from '../support/storage-servers/servers.ts';

const why = whyMissing('azurite');
if (why !== undefined) console.log(why);

describe.skipIf(why !== undefined)('Azure', () => {
  const server = holdStorageServer('azurite');
  let containers = 0;

  function serviceOf(): BlobServiceClient {
    const credential = new StorageSharedKeyCredential(azureAccount, azureAccountKey);
    return new BlobServiceClient(`${server().endpoint}/${azureAccount}`, credential);
  }

  /** Of an empty container. */
  async function settings(changes: Partial<AzureSettings> = {}): Promise<AzureSettings> {
    containers += 1;
    const container = `bucket-${containers}`;
    await serviceOf().createContainer(container);
    return {
      accountName: azureAccount,
      container,
      serviceUrl: `${server().endpoint}/${azureAccount}`,
      rootDirectory: '',
      accountKey: azureAccountKey,
      sasToken: undefined,
      ...changes,
    };
  }

  async function sasOf(container: string): Promise<string> {
    const { ContainerSASPermissions } = await import('@azure/storage-blob');
    const permissions = ContainerSASPermissions.parse('rcwdl');
    const expiresOn = new Date(Date.now() + 3_600_000);
    const url = await serviceOf().getContainerClient(container).generateSasUrl({ permissions, expiresOn });
    return new URL(url).search;
  }

  describeObjectStorage('a container with the key of its account', async () => ({
    storage: await openAzureStorage(await settings(), Date.now),
    servesHttp: true,
    dispose: async () => undefined,
  }));

  describeObjectStorage('a container with a shared access signature, below a root', async () => {
    const known = await settings({ accountKey: undefined, rootDirectory: 'a/b' });
    const sasToken = await sasOf(known.container);
    return {
      storage: await openAzureStorage({ ...known, sasToken }, Date.now),
      servesHttp: false,
      dispose: async () => undefined,
    };
  });

  describeObjectStores(
    'a container',
    async () => {
      const known = await settings();
      return { connect: () => openAzureStorage(known, Date.now), dispose: async () => undefined };
    },
    async () => (await openSqlite(Date.now)).objectWrites,
  );

  test('a shared access signature is not given away', async () => {
    const known = await settings({ accountKey: undefined });
    const storage = await openAzureStorage({ ...known, sasToken: await sasOf(known.container) }, Date.now);
    await expect(storage.presign('a', { expiresSeconds: 60, contentType: 'a/b' })).rejects.toThrow(
      'cannot sign',
    );
  });

  test('a URL is refused once its time is over', async () => {
    const long = await openAzureStorage(await settings(), () => Date.now() - 120_000);
    await long.put('a', Buffer.from('a'));
    const url = await long.presign('a', { expiresSeconds: 60, contentType: 'a/b' });
    expect((await fetch(url)).status).toBe(403);
  });

  test.each([
    ['a wrong key', { accountKey: Buffer.from('another').toString('base64') }, 'denied', 'blobs/write'],
    [
      'a container that is not there',
      { container: 'no-such-container' },
      'absent',
      'azure://entrepot/no-such',
    ],
  ])('%s is named, with the call and what it needs', async (_, changes, fault, words) => {
    const storage = await openAzureStorage(await settings(changes), Date.now);
    const error = await storage.put('a', Buffer.from('a')).catch((each: unknown) => each);
    expect(error).toMatchObject({ fault });
    expect(error).toHaveProperty('reason', expect.stringContaining(words));
    await expect(storage.head('a')).rejects.toMatchObject({ fault });
  });

  test('objects below other roots are not seen', async () => {
    const known = await settings();
    const [here, there] = await Promise.all(
      ['here', 'there'].map((rootDirectory) => openAzureStorage({ ...known, rootDirectory }, Date.now)),
    );
    await here?.put('a', Buffer.from('a'));
    expect(await there?.head('a')).toBeUndefined();
    expect(await Array.fromAsync(there?.list('') ?? [])).toEqual([]);
  });
});
