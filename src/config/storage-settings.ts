/** Where bytes are kept: in a directory, or in a bucket. */
import { redirectSetting } from './redirect-setting.ts';
import { optionalSecret } from './secret-setting.ts';
import {
  bytes,
  bytesOrNone,
  count,
  directory,
  file,
  flag,
  httpUrl,
  oneOf,
  optional,
  section,
} from './setting-values.ts';

const drivers = ['filesystem', 's3', 'azure', 'gcs'] as const;
const checksums = ['crc32', 'sha256', 'md5', 'none'] as const;

/** Those whose objects can be read at once. */
const storageClasses = [
  '',
  'STANDARD',
  'STANDARD_IA',
  'ONEZONE_IA',
  'INTELLIGENT_TIERING',
  'GLACIER_IR',
  'REDUCED_REDUNDANCY',
  'EXPRESS_ONEZONE',
] as const;

const bucketName = [
  (text: string) => /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(text),
  'expected the name of a bucket',
] as const;
const keyPath = [
  (text: string) => /^[A-Za-z0-9._-]+(?:\/[A-Za-z0-9._-]+)*$/.test(text),
  'expected names with / between them, and none at either end',
] as const;
const word = [(text: string) => /^[\x21-\x7e]+$/.test(text), 'expected a word'] as const;

/** What the drivers of all clouds have. */
const objects = {
  rootDirectory: optional(keyPath),
  chunkSize: bytes().refine(
    (size) => size >= 5 * 2 ** 20 && size <= 2 ** 30,
    'expected a chunk_size from 5MiB to 1GiB',
  ),
  maxRequestsPerSecond: count(0, 1_000_000),
};

const s3 = section({
  bucket: optional(bucketName),
  region: optional(word),
  regionEndpoint: optional(httpUrl),
  pathStyle: flag(),
  ...objects,
  encrypt: flag(),
  kmsKeyId: optional(word),
  storageClass: oneOf(storageClasses).transform((name) => name || undefined),
  accessKey: optional(word),
  secretKey: optionalSecret(),
  checksum: oneOf(checksums),
})
  .refine(
    ({ accessKey, secretKey }) => (accessKey === undefined) === (secretKey === undefined),
    'expected both access_key and secret_key, or neither',
  )
  .refine(
    ({ bucket, region }) => bucket === undefined || region !== undefined,
    'expected the region of the bucket; us-east-1 where a compatible store knows none',
  );

const azure = section({
  accountName: optional(word),
  container: optional(bucketName),
  serviceUrl: optional(httpUrl),
  ...objects,
  accountKey: optionalSecret(),
  sasToken: optionalSecret(),
})
  .refine(
    ({ container, accountName }) => container === undefined || accountName !== undefined,
    'expected the account_name of the container',
  )
  .refine(
    ({ accountKey, sasToken }) => accountKey === undefined || sasToken === undefined,
    'expected account_key or sas_token, not both',
  );

const gcs = section({
  bucket: optional(bucketName),
  endpoint: optional(httpUrl),
  ...objects,
  keyFile: optional(file),
});

export const storageSettings = section({
  driver: oneOf(drivers),
  directory: optional(directory),
  deleteEnabled: flag(),
  protectReferencedManifests: flag(),
  reserveBytes: bytesOrNone(),
  redirect: redirectSetting(),
  readCacheBytes: bytesOrNone(),
  s3,
  azure,
  gcs,
})
  .refine(
    ({ driver, s3: { bucket } }) => driver !== 's3' || bucket !== undefined,
    'expected s3.bucket with the driver s3',
  )
  .refine(
    ({ driver, azure: { container } }) => driver !== 'azure' || container !== undefined,
    'expected azure.container with the driver azure',
  )
  .refine(
    ({ driver, gcs: { bucket } }) => driver !== 'gcs' || bucket !== undefined,
    'expected gcs.bucket with the driver gcs',
  );
