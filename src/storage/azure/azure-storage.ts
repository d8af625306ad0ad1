/** Block blobs in a container of Azure: the parts of an object are its blocks, which the service forgets after a week. */
import type { BlockBlobClient, UserDelegationKey } from '@azure/storage-blob';
import {
  type ObjectKey,
  type ObjectPart,
  type ObjectStorage,
  ObjectStorageError,
  type PartedWrite,
  type PresignOptions,
  type StoredObject,
} from '../objects/object-storage.ts';
import { type AzureClient, type AzureSettings, openAzureClient } from './azure-client.ts';
import { azureFault, isAbsentBlob, isCompleteBlob } from './azure-fault.ts';

const mib = 1024 * 1024;
/** A block may be smaller, but each is a call. */
const minBlockBytes = mib;
/** @see https://learn.microsoft.com/en-us/rest/api/storageservices/put-block (2019-12-12 and later) */
const limits = { minBytes: minBlockBytes, maxBytes: 4000 * mib, maxParts: 50_000 } as const;
/** Blocks of one blob have names of one length. */
const blockDigits = 8;
/** How long a key for URLs is asked for, and how old our clock may take it to be. */
const delegationMs = 86_400_000;
const skewMs = 300_000;

const actions = 'Microsoft.Storage/storageAccounts/blobServices/containers/blobs';
const permissions = {
  read: `${actions}/read`,
  write: `${actions}/write`,
  delete: `${actions}/delete`,
} as const;
const delegation = 'Microsoft.Storage/storageAccounts/blobServices/generateUserDelegationKey/action';

/** @param now epoch milliseconds */
export async function openAzureStorage(settings: AzureSettings, now: () => number): Promise<ObjectStorage> {
  return new AzureStorage(await openAzureClient(settings), settings, now);
}

class AzureStorage implements ObjectStorage {
  readonly place: string;
  readonly limits = limits;
  readonly #client: AzureClient;
  readonly #prefix: string;
  readonly #signing: Signing;
  readonly #now: () => number;
  #delegationKey: { readonly key: UserDelegationKey; readonly until: number } | undefined;

  constructor(client: AzureClient, settings: AzureSettings, now: () => number) {
    const { accountName, container, rootDirectory, accountKey, sasToken } = settings;
    this.#client = client;
    this.#prefix = rootDirectory === '' ? '' : `${rootDirectory}/`;
    this.#signing = accountKey !== undefined ? 'key' : sasToken === undefined ? 'delegation' : 'none';
    this.#now = now;
    this.place = `azure://${accountName}/${container}/${rootDirectory}`;
  }

  async put(key: ObjectKey, bytes: Uint8Array): Promise<void> {
    await this.#call('PutBlob', permissions.write, () => this.#blob(key).upload(bytes, bytes.byteLength));
  }

  /** Blocks need no beginning. */
  async begin(): Promise<string> {
    return '';
  }

  async putPart({ key }: PartedWrite, number: number, bytes: Uint8Array): Promise<string> {
    const block = Buffer.from(String(number).padStart(blockDigits, '0')).toString('base64');
    await this.#call('PutBlock', permissions.write, () =>
      this.#blob(key).stageBlock(block, bytes, bytes.byteLength),
    );
    return block;
  }

  async complete({ key }: PartedWrite, parts: readonly ObjectPart[]): Promise<void> {
    await this.#call('PutBlockList', permissions.write, () =>
      this.#blob(key).commitBlockList(parts.map(({ tag }) => tag)),
    );
  }

  /** Blocks that belong to no blob go when one without any is made in their place. */
  async abort({ key }: { readonly key: ObjectKey }): Promise<void> {
    const blob = this.#blob(key);
    const isEmptied = await this.#call('PutBlockList', permissions.write, () =>
      blob.commitBlockList([], { conditions: { ifNoneMatch: '*' } }).then(
        () => true,
        (error: unknown) => {
          if (isCompleteBlob(error)) return false;
          throw error;
        },
      ),
    );
    if (isEmptied) await this.delete(key);
  }

  async head(key: ObjectKey): Promise<StoredObject | undefined> {
    const found = await this.#find('GetBlobProperties', () => this.#blob(key).getProperties());
    return (
      found && {
        key,
        size: found.contentLength ?? 0,
        writtenAt: (found.lastModified ?? new Date(0)).getTime(),
      }
    );
  }

  async read(
    key: ObjectKey,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    const options = signal && { abortSignal: signal };
    const found = await this.#find('GetBlob', () => this.#blob(key).download(start, end - start, options));
    const bytes = found?.readableStreamBody;
    return bytes && this.#chunks(bytes);
  }

  async *list(prefix: string): AsyncGenerator<StoredObject, void, undefined> {
    const pages = this.#client.container.listBlobsFlat({ prefix: `${this.#prefix}${prefix}` }).byPage();
    for (;;) {
      const { value, done } = await this.#call('ListBlobs', permissions.read, () => pages.next());
      if (done) return;
      for (const { name, properties } of value.segment.blobItems)
        yield {
          key: name.slice(this.#prefix.length),
          size: properties.contentLength ?? 0,
          writtenAt: properties.lastModified.getTime(),
        };
    }
  }

  async presign(key: ObjectKey, { expiresSeconds, contentType }: PresignOptions): Promise<string> {
    const { BlobSASPermissions } = await import('@azure/storage-blob');
    const expiresOn = new Date(this.#now() + expiresSeconds * 1000);
    const options = { permissions: BlobSASPermissions.from({ read: true }), expiresOn, contentType };
    const blob = this.#blob(key);
    if (this.#signing === 'key') return blob.generateSasUrl(options);
    // What we were given ourselves opens more than one blob, and may write.
    if (this.#signing === 'none') throw new Error('a shared access signature cannot sign URLs');
    return blob.generateUserDelegationSasUrl(options, await this.#getDelegationKey(expiresOn.getTime()));
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.#call('DeleteBlob', permissions.delete, () =>
      this.#blob(key)
        .delete({ deleteSnapshots: 'include' })
        .catch((error: unknown) => {
          if (!isAbsentBlob(error)) throw error;
        }),
    );
  }

  close(): void {
    // Its connections end by themselves.
  }

  #blob(key: ObjectKey): BlockBlobClient {
    return this.#client.container.getBlockBlobClient(`${this.#prefix}${key}`);
  }

  /** One that outlives the URL. */
  async #getDelegationKey(until: number): Promise<UserDelegationKey> {
    const known = this.#delegationKey;
    if (known && known.until >= until) return known.key;
    const from = this.#now() - skewMs;
    const end = this.#now() + delegationMs;
    const key = await this.#call('GetUserDelegationKey', delegation, () =>
      this.#client.service.getUserDelegationKey(new Date(from), new Date(end)),
    );
    this.#delegationKey = { key, until: end };
    return key;
  }

  async *#chunks(bytes: NodeJS.ReadableStream): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      for await (const chunk of bytes) yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    } catch (error) {
      throw this.#failure('GetBlob', permissions.read, error);
    }
  }

  /** Undefined where there is no such blob. */
  #find<T>(call: string, ask: () => Promise<T>): Promise<T | undefined> {
    return this.#call(call, permissions.read, () =>
      ask().catch((error: unknown) => {
        if (isAbsentBlob(error)) return undefined;
        throw error;
      }),
    );
  }

  async #call<T>(call: string, permission: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw this.#failure(call, permission, error);
    }
  }

  #failure(call: string, permission: string, error: unknown): ObjectStorageError {
    return new ObjectStorageError(azureFault(error), { call, permission, place: this.place }, error);
  }
}

/** What signs URLs: the account's key, a key that an identity is given, or nothing. */
type Signing = 'key' | 'delegation' | 'none';
