/** A bucket of a real server that speaks S3, with a root of its own for each test. */
import { randomBytes } from 'node:crypto';
import {
  CreateBucketCommand,
  GetObjectCommand,
  ListMultipartUploadsCommand,
  paginateListObjectsV2,
  S3Client,
} from '@aws-sdk/client-s3';
import { openS3, type S3Settings } from '../../src/storage/s3/s3-storage.ts';
import { s3Keys } from './storage-servers/servers.ts';

const bucket = 'entrepot-test';
const region = 'us-east-1';

export async function createBucket(endpoint: string): Promise<void> {
  await withClient(endpoint, (client) => client.send(new CreateBucketCommand({ Bucket: bucket })));
}

/** The ids of multipart uploads that were begun, and neither completed nor aborted. */
export function listUnfinished(endpoint: string): Promise<readonly string[]> {
  return withClient(endpoint, async (client) => {
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }));
    return Uploads.flatMap(({ UploadId }) => UploadId ?? []);
  });
}

/** The keys of all objects. */
export function listObjects(endpoint: string): Promise<readonly string[]> {
  return withClient(endpoint, async (client) => {
    const pages = await Array.fromAsync(paginateListObjectsV2({ client }, { Bucket: bucket }));
    return pages.flatMap(({ Contents = [] }) => Contents.map(({ Key = '' }) => Key));
  });
}

export function readObject(endpoint: string, key: string): Promise<Uint8Array> {
  return withClient(endpoint, async (client) => {
    const { Body } = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
    return (await Body?.transformToByteArray()) ?? Buffer.alloc(0);
  });
}

async function withClient<T>(endpoint: string, use: (client: S3Client) => Promise<T>): Promise<T> {
  const credentials = { accessKeyId: s3Keys.accessKey, secretAccessKey: s3Keys.secretKey };
  // MinIO asks to come again later where its disk is busy.
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials, maxAttempts: 10 });
  try {
    return await use(client);
  } finally {
    client.destroy();
  }
}

export function s3SettingsOf(endpoint: string, changes: Partial<S3Settings> = {}): S3Settings {
  return {
    bucket,
    region,
    regionEndpoint: endpoint,
    pathStyle: true,
    rootDirectory: `root/${randomBytes(6).toString('hex')}`,
    encrypt: false,
    kmsKeyId: undefined,
    storageClass: undefined,
    checksum: 'crc32',
    keys: s3Keys,
    ...changes,
  };
}

/** A server's settings for it. @param root within the bucket */
export function s3EnvironmentOf(endpoint: string, root: string): Readonly<Record<string, string>> {
  return {
    ENTREPOT_STORAGE__DRIVER: 's3',
    ENTREPOT_STORAGE__S3__BUCKET: bucket,
    ENTREPOT_STORAGE__S3__REGION: region,
    ENTREPOT_STORAGE__S3__REGION_ENDPOINT: endpoint,
    ENTREPOT_STORAGE__S3__PATH_STYLE: 'true',
    ENTREPOT_STORAGE__S3__ROOT_DIRECTORY: root,
    ENTREPOT_STORAGE__S3__ACCESS_KEY: s3Keys.accessKey,
    ENTREPOT_STORAGE__S3__SECRET_KEY: s3Keys.secretKey,
  };
}

/** Empty. */
export function createRoot(endpoint: string) {
  const settings = s3SettingsOf(endpoint);
  return { connect: () => openS3(settings), dispose: async () => undefined };
}
