/** A bucket of a real server that speaks S3, with a root of its own for each test. */
import { randomBytes } from 'node:crypto';
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { openS3, type S3Settings } from '../../src/storage/s3/s3-storage.ts';
import { s3Keys } from './storage-servers/servers.ts';

const bucket = 'entrepot-test';
const region = 'us-east-1';

export async function createBucket(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: s3Keys.accessKey, secretAccessKey: s3Keys.secretKey };
  const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  client.destroy();
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

/** Empty. */
export function createRoot(endpoint: string) {
  const settings = s3SettingsOf(endpoint);
  return { connect: () => openS3(settings), dispose: async () => undefined };
}
