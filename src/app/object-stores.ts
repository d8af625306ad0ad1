/** The stores in buckets that are configured, each by the name that its keys begin with. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Space } from '../storage/disk-space.ts';
import { BucketIdentity } from '../storage/objects/bucket-identity.ts';
import type { ObjectStorage } from '../storage/objects/object-storage.ts';
import { createObjectStores } from '../storage/objects/object-stores.ts';
import { type ObjectObserver, observeStorage } from '../storage/objects/observed-storage.ts';

export interface ObjectStoreParts {
  readonly config: Config;
  readonly database: Pick<Records, 'instance' | 'objectWrites'>;
  readonly space: Space;
  readonly observer: ObjectObserver;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface Bucket {
  readonly name: string;
  readonly storage: ObjectStorage;
  /** Empty: none. */
  readonly rootDirectory: string;
  readonly chunkBytes: number;
}

/** Loads the SDKs of those clouds alone that are configured. */
export async function openObjectStores({ config, database, space, observer, now }: ObjectStoreParts) {
  const buckets = await openBuckets(config, observer, now);
  return buckets.map(({ name, storage, rootDirectory, chunkBytes }) => {
    const key = `storage_id:${name}`;
    const records = {
      find: () => database.instance.get(key),
      keep: (id: string) => database.instance.keep(key, id),
    };
    const identity = new BucketIdentity({ storage, records });
    const stores = createObjectStores({
      store: name,
      storage,
      records: database.objectWrites,
      guard: identity,
      spoolDirectory: join(config.dataDirectory, 'spool'),
      space,
      chunkBytes,
    });
    return { name, storage, rootDirectory, ...stores, identity };
  });
}

async function openBuckets(
  { storage }: Config,
  observer: ObjectObserver,
  now: () => number,
): Promise<readonly Bucket[]> {
  const opened = await Promise.all([openS3(storage), openAzure(storage, now), openGcs(storage, now)]);
  return opened.flatMap((bucket) => {
    if (!bucket) return [];
    const { name, storage, rootDirectory = '', chunkSize, maxRequestsPerSecond } = bucket;
    const observed = observeStorage(storage, observer, maxRequestsPerSecond || undefined);
    return [{ name, storage: observed, rootDirectory, chunkBytes: chunkSize }];
  });
}

/**
 * Another bucket, by the settings that its cloud has here. Undefined where they do not say enough, or it is none of these clouds.
 * @param url s3://bucket/root, azure://container/root or gs://bucket/root. @throws what a cloud's SDK throws
 */
export async function openBucketAt(
  { storage }: Config,
  { protocol, hostname, pathname }: URL,
  now: () => number,
): Promise<ObjectStorage | undefined> {
  const rootDirectory = pathname.replace(/^\/+|\/+$/g, '') || undefined;
  const opened = {
    's3:': () => openS3({ ...storage, s3: { ...storage.s3, bucket: hostname, rootDirectory } }),
    'azure:': () =>
      openAzure({ ...storage, azure: { ...storage.azure, container: hostname, rootDirectory } }, now),
    'gs:': () => openGcs({ ...storage, gcs: { ...storage.gcs, bucket: hostname, rootDirectory } }, now),
  };
  const open = Object.entries(opened).find(([scheme]) => scheme === protocol)?.[1];
  return (await open?.())?.storage;
}

interface Opened {
  readonly name: Exclude<Config['storage']['driver'], 'filesystem'>;
  readonly storage: ObjectStorage;
  readonly rootDirectory: string | undefined;
  readonly chunkSize: number;
  readonly maxRequestsPerSecond: number;
}

async function openS3({ s3 }: Config['storage']): Promise<Opened | undefined> {
  const { bucket, region, accessKey, secretKey } = s3;
  if (bucket === undefined || region === undefined) return undefined;
  const keys = accessKey && secretKey && { accessKey, secretKey: secretKey.reveal() };
  const { openS3: open } = await import('../storage/s3/s3-storage.ts');
  return { ...s3, name: 's3', storage: await open({ ...s3, bucket, region, keys: keys || undefined }) };
}

async function openAzure({ azure }: Config['storage'], now: () => number): Promise<Opened | undefined> {
  const { accountName, container, rootDirectory = '' } = azure;
  if (container === undefined || accountName === undefined) return undefined;
  const secrets = { accountKey: azure.accountKey?.reveal(), sasToken: azure.sasToken?.reveal() };
  const settings = { ...azure, ...secrets, accountName, container, rootDirectory };
  const { openAzureStorage } = await import('../storage/azure/azure-storage.ts');
  return { ...azure, name: 'azure', storage: await openAzureStorage(settings, now) };
}

async function openGcs({ gcs }: Config['storage'], now: () => number): Promise<Opened | undefined> {
  const { bucket, rootDirectory = '' } = gcs;
  if (bucket === undefined) return undefined;
  const { openGcsStorage } = await import('../storage/gcs/gcs-storage.ts');
  return { ...gcs, name: 'gcs', storage: await openGcsStorage({ ...gcs, bucket, rootDirectory }, now) };
}
