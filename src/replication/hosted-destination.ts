/** One repository here that is copied to, by the rules of every push. In a dry run it is only looked at. */
import type { WritableHostedRepository } from '../hosted/writable-hosted-repository.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';
import type { BlobHolder } from '../oci/repository.ts';
import type { BlobStore, Spool } from '../storage/blob-store.ts';
import type { SourceBlob } from './image-source.ts';
import type { CopyDestination } from './repository-copy.ts';

export interface HostedDestinationOptions {
  readonly records: Pick<
    Records,
    'repositories' | 'repositoryManifests' | 'repositoryBlobs' | 'tags' | 'blobs'
  >;
  readonly store: Pick<BlobStore, 'open'>;
  /** Takes a file as a spool without copying it; undefined where the store cannot. */
  readonly spoolFile: ((path: string) => Promise<Spool | undefined>) | undefined;
}

export class HostedDestination implements CopyDestination {
  readonly #options: HostedDestinationOptions;
  readonly #name: RepositoryName;
  readonly #writable: WritableHostedRepository | undefined;

  /** @param writable undefined in a dry run */
  constructor(
    options: HostedDestinationOptions,
    name: RepositoryName,
    writable: WritableHostedRepository | undefined,
  ) {
    this.#options = options;
    this.#name = name;
    this.#writable = writable;
  }

  get isDryRun(): boolean {
    return this.#writable === undefined;
  }

  findTag(tag: Tag): Promise<Digest | undefined> {
    return this.#read((id) => this.#options.records.tags.find(id, tag));
  }

  async findManifest(digest: Digest): Promise<Buffer | undefined> {
    const found = await this.#read((id) => this.#options.records.repositoryManifests.find(id, digest));
    return found?.payload;
  }

  /** Its bytes, too, which are kept for a while where this is no dry run. */
  async hasBlob(digest: Digest): Promise<boolean> {
    if (this.#writable) return isHeld(this.#writable, digest);
    return (await this.#read((id) => this.#options.records.repositoryBlobs.find(id, digest))) !== undefined;
  }

  /** Whether its bytes are in the store, whoever has it. */
  isStored(digest: Digest): Promise<boolean> {
    return isHeld(this.#stored, digest);
  }

  /** Of bytes that are in the store. False where they are not any more. */
  async link(digest: Digest): Promise<boolean> {
    return this.#writable ? this.#writable.mount(digest, this.#stored) : true;
  }

  /** @throws OciError, and what the blob throws */
  async putBlob(digest: Digest, blob: SourceBlob): Promise<void> {
    if (!this.#writable) return;
    const taken = blob.file === undefined ? undefined : await this.#options.spoolFile?.(blob.file);
    const rest = taken ? { body: nothing(), length: 0 } : { body: blob.read(), length: blob.size };
    await this.#writable.uploads.push(digest, { ...rest, start: undefined }, taken);
  }

  /** @throws OciError */
  async putManifest(digest: Digest, payload: Buffer, tags: readonly Tag[]): Promise<void> {
    await this.#writable?.putManifest(digest, { payload, contentType: undefined, tags });
  }

  async deleteTag(tag: Tag): Promise<void> {
    await this.#writable?.deleteManifest(tag);
  }

  async #read<T>(read: (id: number) => Promise<T | undefined>): Promise<T | undefined> {
    const repository = await this.#options.records.repositories.findByName(this.#name);
    return repository && read(repository.id);
  }

  /** The whole store. */
  readonly #stored: BlobHolder = {
    statBlob: async (digest) => {
      const { records, store } = this.#options;
      const record = await records.blobs.find(digest);
      const reader = record && (await store.open(record.storageKey));
      await reader?.close();
      if (!record || reader?.size !== record.size) throw new OciError('BLOB_UNKNOWN');
      return { digest, size: record.size, outcome: 'hosted' };
    },
  };
}

async function isHeld(holder: BlobHolder, digest: Digest): Promise<boolean> {
  try {
    await holder.statBlob(digest);
    return true;
  } catch (error) {
    if (error instanceof OciError && error.code === 'BLOB_UNKNOWN') return false;
    throw error;
  }
}

async function* nothing(): AsyncGenerator<Uint8Array, void, undefined> {}
