/** The stores in buckets that are configured, each by the name that its keys begin with. */
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Space } from '../storage/disk-space.ts';
import { BucketIdentity } from '../storage/objects/bucket-identity.ts';
import type { ObjectStorage } from '../storage/objects/object-storage.ts';
import { createObjectStores } from '../storage/objects/object-stores.ts';
import { type ObjectObserver, observeStorage } from '../storage/objects/observed-storage.ts';
import { openS3 } from '../storage/s3/s3-storage.ts';

export interface ObjectStoreParts {
  readonly config: Config;
  readonly database: Pick<Records, 'instance' | 'objectWrites'>;
  readonly space: Space;
  readonly observer: ObjectObserver;
}

interface Bucket {
  readonly name: string;
  readonly storage: ObjectStorage;
  /** Empty: none. */
  readonly rootDirectory: string;
  readonly chunkBytes: number;
}

/** Loads the SDKs of those clouds alone that are configured. */
export async function openObjectStores({ config, database, space, observer }: ObjectStoreParts) {
  const buckets = await openBuckets(config, observer);
  return buckets.map(({ name, storage, rootDirectory, chunkBytes }) => {
    const key = `storage_id:${name}`;
    const records = {
      find: () => database.instance.get(key),
      keep: (id: string) => database.instance.keep(key, id),
    };
    const stores = createObjectStores({
      store: name,
      storage,
      records: database.objectWrites,
      spoolDirectory: join(config.dataDirectory, 'spool'),
      space,
      chunkBytes,
    });
    return { name, storage, rootDirectory, ...stores, identity: new BucketIdentity({ storage, records }) };
  });
}

async function openBuckets({ storage }: Config, observer: ObjectObserver): Promise<readonly Bucket[]> {
  const { bucket, region, accessKey, secretKey, chunkSize, maxRequestsPerSecond, ...s3 } = storage.s3;
  if (bucket === undefined || region === undefined) return [];
  const keys = accessKey && secretKey && { accessKey, secretKey: secretKey.reveal() };
  const opened = await openS3({ ...s3, bucket, region, keys: keys || undefined });
  const observed = observeStorage(opened, observer, maxRequestsPerSecond || undefined);
  const { rootDirectory = '' } = s3;
  return [{ name: 's3', storage: observed, rootDirectory, chunkBytes: chunkSize }];
}
