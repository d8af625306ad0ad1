/** Objects in a bucket of Google Cloud Storage. */
import { Readable } from 'node:stream';
import { z } from 'zod';
import {
  type ObjectKey,
  type ObjectPart,
  type ObjectStorage,
  ObjectStorageError,
  type PartedWrite,
  type PresignOptions,
  type StoredObject,
} from '../objects/object-storage.ts';
import { GcsClient, type GcsSettings } from './gcs-client.ts';
import { gcsFault, isAbsentObject } from './gcs-fault.ts';
import { MultipartUploads, partLimits } from './multipart-uploads.ts';

const answerMs = 60_000;
const putMs = 300_000;
const pageSize = 1000;

/** Of the JSON API, as https://cloud.google.com/storage/docs/json_api/v1/objects has it; sizes are texts there. */
const objectSchema = z.object({ name: z.string(), size: z.coerce.number(), updated: z.coerce.date() });
const pageSchema = z.object({
  items: z.array(objectSchema).default([]),
  nextPageToken: z.string().optional(),
});
const fields = 'name,size,updated';

const permissions = {
  create: 'storage.objects.create',
  get: 'storage.objects.get',
  list: 'storage.objects.list',
  delete: 'storage.objects.delete',
  upload: 'storage.multipartUploads.create',
  abort: 'storage.multipartUploads.abort',
  sign: 'iam.serviceAccounts.signBlob',
} as const;

/** @param now epoch milliseconds */
export async function openGcsStorage(settings: GcsSettings, now: () => number): Promise<ObjectStorage> {
  return new GcsStorage(await GcsClient.open(settings), settings, now);
}

class GcsStorage implements ObjectStorage {
  readonly place: string;
  readonly limits = partLimits;
  readonly #client: GcsClient;
  readonly #bucket: string;
  readonly #prefix: string;
  readonly #uploads: MultipartUploads;
  readonly #now: () => number;

  constructor(client: GcsClient, { bucket, rootDirectory }: GcsSettings, now: () => number) {
    this.#client = client;
    this.#bucket = bucket;
    this.#prefix = rootDirectory === '' ? '' : `${rootDirectory}/`;
    this.#uploads = new MultipartUploads(client, bucket);
    this.#now = now;
    this.place = `gs://${bucket}/${rootDirectory}`;
  }

  async put(key: ObjectKey, bytes: Uint8Array): Promise<void> {
    const query = new URLSearchParams({ uploadType: 'media', name: this.#nameOf(key), fields });
    await this.#call('objects.insert', permissions.create, () =>
      this.#client.ask({
        method: 'POST',
        url: `${this.#client.endpoint}/upload/storage/v1/b/${this.#bucket}/o?${query}`,
        headers: { 'Content-Type': 'application/octet-stream' },
        body: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
        timeout: putMs,
      }),
    );
  }

  begin(key: ObjectKey): Promise<string> {
    return this.#call('Initiate multipart upload', permissions.upload, () =>
      this.#uploads.initiate(this.#nameOf(key)),
    );
  }

  putPart({ key, id }: PartedWrite, number: number, bytes: Uint8Array): Promise<string> {
    return this.#call('Upload part', permissions.upload, () =>
      this.#uploads.putPart(this.#nameOf(key), id, number, bytes),
    );
  }

  async complete({ key, id }: PartedWrite, parts: readonly ObjectPart[]): Promise<void> {
    await this.#call('Complete multipart upload', permissions.upload, async () => {
      try {
        await this.#uploads.complete(this.#nameOf(key), id, parts);
      } catch (error) {
        // An upload that is gone may be so since it is complete.
        const size = parts.reduce((sum, part) => sum + part.size, 0);
        if (!isAbsentObject(error) || (await this.head(key))?.size !== size) throw error;
      }
    });
  }

  async abort({ key, id }: { readonly key: ObjectKey; readonly id: string | undefined }): Promise<void> {
    const name = this.#nameOf(key);
    await this.#call('Abort multipart upload', permissions.abort, async () => {
      const ids = id === undefined ? await this.#uploads.list(name) : [id];
      for (const each of ids) await unlessAbsent(this.#uploads.abort(name, each));
    });
  }

  async head(key: ObjectKey): Promise<StoredObject | undefined> {
    const found = await this.#call('objects.get', permissions.get, () =>
      unlessAbsent(this.#client.ask({ url: `${this.#urlOf(key)}?fields=${fields}`, timeout: answerMs })),
    );
    return found && this.#objectOf(objectSchema.parse(found.data));
  }

  async read(
    key: ObjectKey,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const found = await this.#call('objects.get', permissions.get, () =>
      unlessAbsent(
        this.#client.ask({
          url: `${this.#urlOf(key)}?alt=media`,
          headers: { Range: `bytes=${start}-${end - 1}` },
          responseType: 'stream',
          fetchImplementation: fetchStream,
          ...(signal && { signal }),
        }),
      ),
    );
    const bytes: unknown = found?.data;
    if (bytes === undefined) return undefined;
    if (!isIterable(bytes)) throw new Error('the answer is no stream');
    return this.#chunks(bytes);
  }

  async *list(prefix: string): AsyncGenerator<StoredObject, void, undefined> {
    let pageToken = '';
    do {
      const query = new URLSearchParams({
        prefix: `${this.#prefix}${prefix}`,
        maxResults: String(pageSize),
        fields: `items(${fields}),nextPageToken`,
        ...(pageToken !== '' && { pageToken }),
      });
      const url = `${this.#client.endpoint}/storage/v1/b/${this.#bucket}/o?${query}`;
      const { data } = await this.#call('objects.list', permissions.list, () =>
        this.#client.ask({ url, timeout: answerMs }),
      );
      const page = pageSchema.parse(data);
      for (const item of page.items) yield this.#objectOf(item);
      pageToken = page.nextPageToken ?? '';
    } while (pageToken !== '');
  }

  presign(key: ObjectKey, { expiresSeconds, contentType }: PresignOptions): Promise<string> {
    const file = this.#client.storage.bucket(this.#bucket).file(this.#nameOf(key));
    return this.#call('signBlob', permissions.sign, async () => {
      const expires = this.#now() + expiresSeconds * 1000;
      const options = { version: 'v4', action: 'read', accessibleAt: this.#now(), expires } as const;
      const [url] = await file.getSignedUrl({ ...options, responseType: contentType });
      return url;
    });
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.#call('objects.delete', permissions.delete, () =>
      unlessAbsent(this.#client.ask({ method: 'DELETE', url: this.#urlOf(key), timeout: answerMs })),
    );
  }

  close(): void {
    // Its connections end by themselves.
  }

  #nameOf(key: ObjectKey): string {
    return `${this.#prefix}${key}`;
  }

  #urlOf(key: ObjectKey): string {
    const name = encodeURIComponent(this.#nameOf(key));
    return `${this.#client.endpoint}/storage/v1/b/${this.#bucket}/o/${name}`;
  }

  #objectOf({ name, size, updated }: z.output<typeof objectSchema>): StoredObject {
    return { key: name.slice(this.#prefix.length), size, writtenAt: updated.getTime() };
  }

  async *#chunks(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* bytes;
    } catch (error) {
      throw this.#failure('objects.get', permissions.get, error);
    }
  }

  async #call<T>(call: string, permission: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw error instanceof ObjectStorageError ? error : this.#failure(call, permission, error);
    }
  }

  #failure(call: string, permission: string, error: unknown): ObjectStorageError {
    return new ObjectStorageError(gcsFault(error), { call, permission, place: this.place }, error);
  }
}

/** Undefined where there is no such object. */
async function unlessAbsent<T>(answer: Promise<T>): Promise<T | undefined> {
  try {
    return await answer;
  } catch (error) {
    if (isAbsentObject(error)) return undefined;
    throw error;
  }
}

/** What gaxios takes by default never ends a body whose connection breaks. With a range, none asks for a coding. */
async function fetchStream(url: string, init?: RequestInit) {
  const { status, statusText, headers, body } = await fetch(url, init);
  const other = () => Promise.reject(new Error('it is read as a stream'));
  return {
    status,
    statusText,
    headers,
    url,
    body: body && Readable.fromWeb(body),
    arrayBuffer: other,
    blob: other,
    json: other,
    text: other,
  };
}

function isIterable(value: unknown): value is AsyncIterable<Uint8Array> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
