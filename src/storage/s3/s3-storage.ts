/** S3, and what speaks as it does, by the SDK of AWS: signing, where credentials come from, trying again. */
import { Readable } from 'node:stream';
import type { S3ClientConfig, StorageClass } from '@aws-sdk/client-s3';
import type {
  ObjectKey,
  ObjectPart,
  ObjectStorage,
  PartedWrite,
  PresignOptions,
  StoredObject,
} from '../objects/object-storage.ts';
import { checksumOf, parseTag, partChecksumOf, type S3Checksum, tagOf } from './s3-checksums.ts';
import { isAbsent, s3Failure } from './s3-failures.ts';

export interface S3Settings {
  readonly bucket: string;
  readonly region: string;
  /** The URL of what is not AWS. */
  readonly regionEndpoint: string | undefined;
  readonly pathStyle: boolean;
  /** Before all keys; no slash at either end. */
  readonly rootDirectory: string | undefined;
  readonly encrypt: boolean;
  readonly kmsKeyId: string | undefined;
  readonly storageClass: StorageClass | undefined;
  readonly checksum: S3Checksum;
  /** Undefined: found as the SDK of AWS does. */
  readonly keys: { readonly accessKey: string; readonly secretKey: string } | undefined;
}

const mib = 1024 * 1024;
const gib = 1024 * mib;
const limits = { minBytes: 5 * mib, maxBytes: 5 * gib, maxParts: 10_000 };

/** To have a connection, and to hear of an answer, or of more of it: a part is sent meanwhile. */
const connectMs = 5_000;
const idleMs = 60_000;
/** At a time; others wait. */
const maxSockets = 128;
/** The SDK waits longer from try to try. */
const maxAttempts = 4;
/** All tries together, for calls that move no bytes, and until the first byte of what is read: somebody waits for an answer. */
const defaultAnswerMs = 30_000;

/** Loads the SDK. @param answerMs see {@link defaultAnswerMs} */
export async function openS3(settings: S3Settings, answerMs = defaultAnswerMs): Promise<ObjectStorage> {
  const sdk = await import('@aws-sdk/client-s3');
  const { getSignedUrl } = await import('@aws-sdk/s3-request-presigner');
  const { bucket: Bucket, rootDirectory, checksum, encrypt, kmsKeyId, storageClass } = settings;
  const client = new sdk.S3Client(clientConfigOf(settings));
  const root = rootDirectory === undefined ? '' : `${rootDirectory}/`;
  const place = `s3://${Bucket}/${root}`;
  const at = (key: ObjectKey) => ({ Bucket, Key: `${root}${key}` });
  const kept = {
    ...(storageClass === undefined ? {} : { StorageClass: storageClass }),
    ...(kmsKeyId === undefined ? {} : ({ ServerSideEncryption: 'aws:kms', SSEKMSKeyId: kmsKeyId } as const)),
    ...(encrypt && kmsKeyId === undefined ? ({ ServerSideEncryption: 'AES256' } as const) : {}),
  };
  const objectOf = (key: ObjectKey, size = 0, writtenAt = new Date(0)): StoredObject => ({
    key,
    size,
    writtenAt: writtenAt.getTime(),
  });
  const failure = (cause: unknown, name: string, permission: string): Error =>
    s3Failure(cause, { call: name, permission: `s3:${permission}`, place });
  const call = <T>(name: string, permission: string, run: () => Promise<T>): Promise<T> =>
    run().catch((cause: unknown) => {
      throw failure(cause, name, permission);
    });
  const soon = async <T>(
    send: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> => {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), answerMs);
    try {
      return await send({ abortSignal: signal ? AbortSignal.any([signal, limit.signal]) : limit.signal });
    } catch (error) {
      throw limit.signal.aborted ? new DOMException(`no answer in ${answerMs} ms`, 'TimeoutError') : error;
    } finally {
      clearTimeout(timer);
    }
  };
  const unlessAbsent = (error: unknown): undefined => {
    if (!isAbsent(error)) throw error;
  };

  /** @param keptId one that stays */
  async function abortAll(key: ObjectKey, keptId?: string): Promise<void> {
    const { Uploads = [] } = await call('ListMultipartUploads', 'ListBucketMultipartUploads', () =>
      soon((options) =>
        client.send(new sdk.ListMultipartUploadsCommand({ Bucket, Prefix: at(key).Key }), options),
      ),
    );
    for (const { Key, UploadId } of Uploads)
      if (Key === at(key).Key && UploadId !== undefined && UploadId !== keptId)
        await abort({ key, id: UploadId });
  }

  async function abort({ key, id }: PartedWrite): Promise<void> {
    await call('AbortMultipartUpload', 'AbortMultipartUpload', () =>
      soon((options) =>
        client.send(new sdk.AbortMultipartUploadCommand({ ...at(key), UploadId: id }), options),
      ).then(() => undefined, unlessAbsent),
    );
  }

  async function* chunksOf(bytes: Readable): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* bytes;
    } catch (cause) {
      throw failure(cause, 'GetObject', 'GetObject');
    }
  }

  async function head(key: ObjectKey): Promise<StoredObject | undefined> {
    const found = await call('HeadObject', 'GetObject', () =>
      soon((options) => client.send(new sdk.HeadObjectCommand(at(key)), options)).catch(unlessAbsent),
    );
    return found && objectOf(key, found.ContentLength, found.LastModified);
  }

  return {
    place,
    limits,
    async put(key, bytes) {
      await call('PutObject', 'PutObject', () =>
        client.send(
          new sdk.PutObjectCommand({ ...at(key), ...kept, ...checksumOf(checksum, bytes), Body: bytes }),
        ),
      );
    },
    async begin(key) {
      const { UploadId, $metadata } = await call('CreateMultipartUpload', 'PutObject', () =>
        soon((options) =>
          client.send(
            new sdk.CreateMultipartUploadCommand({ ...at(key), ...kept, ...partChecksumOf(checksum) }),
            options,
          ),
        ),
      );
      if (UploadId === undefined) throw new Error(`${place} gave no upload id`);
      // What a try has begun whose answer was lost would stay for ever.
      if ($metadata.attempts !== 1) await abortAll(key, UploadId);
      return UploadId;
    },
    async putPart({ key, id }, number, bytes) {
      const checked = checksumOf(checksum, bytes);
      const answer = await call('UploadPart', 'PutObject', () =>
        client.send(
          new sdk.UploadPartCommand({
            ...at(key),
            UploadId: id,
            PartNumber: number,
            ...checked,
            Body: bytes,
          }),
        ),
      );
      return tagOf(answer.ETag, checked);
    },
    async complete({ key, id }, parts: readonly ObjectPart[]) {
      const Parts = parts.map(({ number, tag }) => ({ PartNumber: number, ...parseTag(tag) }));
      const size = parts.reduce((sum, part) => sum + part.size, 0);
      await call('CompleteMultipartUpload', 'PutObject', async () => {
        try {
          await client.send(
            new sdk.CompleteMultipartUploadCommand({ ...at(key), UploadId: id, MultipartUpload: { Parts } }),
          );
        } catch (error) {
          // It was completed before, and the answer was lost.
          if (!isAbsent(error) || (await head(key))?.size !== size) throw error;
        }
      });
    },
    abort: ({ key, id }) => (id === undefined ? abortAll(key) : abort({ key, id })),
    head,
    async read(key, start, end, signal) {
      const range = `${start}-${end - 1}`;
      return call('GetObject', 'GetObject', async () => {
        const command = new sdk.GetObjectCommand({ ...at(key), Range: `bytes=${range}` });
        const answer = await soon((options) => client.send(command, options), signal).catch(unlessAbsent);
        if (!answer) return undefined;
        const bytes = streamOf(answer.Body);
        if (answer.ContentRange?.startsWith(`bytes ${range}/`)) return chunksOf(bytes);
        bytes.destroy();
        throw new Error(`bytes ${range} were asked for, and ${answer.ContentRange ?? 'all'} are sent`);
      });
    },
    async *list(prefix) {
      const options = { client };
      const input = { Bucket, Prefix: `${root}${prefix}` };
      try {
        for await (const { Contents = [] } of sdk.paginateListObjectsV2(options, input))
          for (const { Key = '', Size, LastModified } of Contents)
            yield objectOf(Key.slice(root.length), Size, LastModified);
      } catch (cause) {
        throw failure(cause, 'ListObjectsV2', 'ListBucket');
      }
    },
    presign: (key, { expiresSeconds, contentType }: PresignOptions) =>
      getSignedUrl(client, new sdk.GetObjectCommand({ ...at(key), ResponseContentType: contentType }), {
        expiresIn: expiresSeconds,
      }),
    async delete(key) {
      await call('DeleteObject', 'DeleteObject', () =>
        soon((options) => client.send(new sdk.DeleteObjectCommand(at(key)), options)),
      );
    },
    close: () => client.destroy(),
  };
}

/** Checksums are sent as the settings say, and never asked for: blobs are verified by their digest. */
function clientConfigOf({ region, regionEndpoint, pathStyle, keys }: S3Settings): S3ClientConfig {
  return {
    region,
    ...(regionEndpoint === undefined ? {} : { endpoint: regionEndpoint }),
    forcePathStyle: pathStyle,
    ...(keys ? { credentials: { accessKeyId: keys.accessKey, secretAccessKey: keys.secretKey } } : {}),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts,
    requestHandler: {
      connectionTimeout: connectMs,
      socketTimeout: idleMs,
      httpAgent: { maxSockets },
      httpsAgent: { maxSockets },
    },
  };
}

/** What the SDK gives is a stream of Node. */
function streamOf(body: unknown): Readable {
  if (body instanceof Readable) return body;
  throw new Error('S3 gave no bytes');
}
