/** Where programs keep their blobs: on the local disk, or in a bucket of a real server of object storage. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import {
  createBucket,
  listObjects,
  listUnfinished,
  readObject,
  s3EnvironmentOf,
} from '../../support/s3-bucket.ts';
import { startStorageServer, whyMissing } from '../../support/storage-servers/servers.ts';

const places = ['files', 'versitygw', 'minio'] as const;

export interface BlobPlace {
  /** What a server is told. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined where blobs are files. */
  readonly bucket: Bucket | undefined;
  stop(): Promise<void>;
}

export interface Bucket {
  /** Ids of multipart uploads that were begun, and neither completed nor aborted. */
  unfinished(): Promise<readonly string[]>;
  /** Keys of objects. */
  objects(): Promise<readonly string[]>;
  read(key: string): Promise<Uint8Array>;
}

/**
 * @param name files, versitygw or minio
 * @param directory of a bucket's bytes
 * @returns why not, where that server is not on this machine
 */
export async function openBlobPlace(name: string, directory: string): Promise<BlobPlace | string> {
  const place = places.find((each) => each === name);
  if (place === undefined) throw new Error(`--storage is one of ${places.join(', ')}`);
  if (place === 'files') return { env: {}, bucket: undefined, stop: async () => undefined };
  const missing = whyMissing(place);
  if (missing !== undefined) return missing;
  const own = join(directory, place);
  mkdirSync(own, { recursive: true });
  const { endpoint, program } = await startStorageServer(place, { directory: own });
  await createBucket(endpoint);
  return {
    env: s3EnvironmentOf(endpoint, 'root'),
    bucket: {
      unfinished: () => listUnfinished(endpoint),
      objects: () => listObjects(endpoint),
      read: (key) => readObject(endpoint, key),
    },
    stop: () => program.stop(),
  };
}
