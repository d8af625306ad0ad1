/** A repository that is pushed to, as it is read: straight from the records, so that a write is seen at once, by all processes. */
import { ImageRefused } from '../admission/admission.ts';
import type { ImageContent } from '../admission/admission-policy.ts';
import type { BlobRecord } from '../metadata/content/blobs.ts';
import type { HostedManifest } from '../metadata/hosted/repository-manifests.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { isDigestReference, type Reference, type RepositoryName } from '../oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  ManifestAnswer,
  PageRequest,
  ReadableRepository,
  ReferrersAnswer,
  TagsAnswer,
} from '../oci/repository.ts';
import type { ClientBlob } from '../storage/blob-reads.ts';
import { rememberedBlob, storedBlob } from '../storage/stored-blob.ts';
import type { HostedOptions } from './hosted-options.ts';
import { listReferrers } from './manifests/referrers.ts';

export type ReadingOptions = Pick<
  HostedOptions,
  'database' | 'reads' | 'buffers' | 'hot' | 'pulls' | 'admission' | 'log'
>;

export const outcome = 'hosted';

export class HostedRepository implements ReadableRepository {
  readonly #options: ReadingOptions;
  readonly #name: RepositoryName;
  readonly #id: number | undefined;
  readonly #mayPush: (() => Promise<boolean>) | undefined;

  /**
   * @param id of its record; undefined where it has to be looked for, and there may be none yet
   * @param mayPush whether whoever asks may push here; by default not
   */
  constructor(
    options: ReadingOptions,
    name: RepositoryName,
    id: number | undefined,
    mayPush?: () => Promise<boolean>,
  ) {
    this.#options = options;
    this.#name = name;
    this.#id = id;
    this.#mayPush = mayPush;
  }

  async manifest(reference: Reference, isPull: boolean, signal?: AbortSignal): Promise<ManifestAnswer> {
    const { id, manifest } = await this.#getManifest(reference);
    const pull = { reference, isPull, signal, mayPush: this.#mayPush };
    return answerManifest(this.#options, { id, name: this.#name }, manifest, pull);
  }

  /** @throws OciError MANIFEST_UNKNOWN */
  async #getManifest(reference: Reference) {
    const { repositoryManifests } = this.#options.database;
    const id = await this.#findId();
    const manifest =
      id === undefined
        ? undefined
        : isDigestReference(reference)
          ? await repositoryManifests.find(id, reference)
          : await repositoryManifests.findByTag(id, reference);
    if (id === undefined || !manifest) {
      throw new OciError('MANIFEST_UNKNOWN', { detail: `${this.#name} has no manifest ${reference}` });
    }
    return { id, manifest };
  }

  /** What policies read. */
  get content(): ImageContent {
    return {
      manifest: async (reference) => {
        const { digest, mediaType, payload } = (await this.#getManifest(reference)).manifest;
        return { digest, mediaType, payload, outcome };
      },
      blob: (digest) => this.blob(digest),
      referrers: (subject) => this.referrers(subject),
    };
  }

  async blob(digest: Digest): Promise<BlobAnswer> {
    const { buffers, hot: memory } = this.#options;
    const bytes = memory.findBytes(digest);
    if (bytes && (await this.#findRecord(digest))) return rememberedBlob(digest, outcome, bytes);
    return storedBlob(digest, outcome, await this.#open(digest), { buffers, memory });
  }

  /**
   * The bytes are looked for, not only the record: a client that is told that they are here will not push them, and relies on their
   * staying for a while.
   */
  async statBlob(digest: Digest): Promise<BlobStat> {
    const reader = await this.#open(digest, 'confirm');
    await reader.close();
    return { digest, size: reader.size, outcome };
  }

  async tags(page: PageRequest): Promise<TagsAnswer> {
    const id = await this.#findId();
    if (id === undefined)
      throw new OciError('NAME_UNKNOWN', { detail: `nothing was pushed to ${this.#name}` });
    return { ...(await this.#options.database.tags.list(id, page)), outcome };
  }

  async referrers(subject: Digest): Promise<ReferrersAnswer> {
    const id = await this.#findId();
    const descriptors = id === undefined ? [] : await listReferrers(this.#options.database, id, subject);
    return { descriptors, outcome };
  }

  async #findId(): Promise<number | undefined> {
    return this.#id ?? (await this.#options.database.repositories.findByName(this.#name))?.id;
  }

  async #findRecord(digest: Digest): Promise<BlobRecord | undefined> {
    const id = await this.#findId();
    return id === undefined ? undefined : this.#options.database.repositoryBlobs.find(id, digest);
  }

  /** @throws OciError BLOB_UNKNOWN */
  async #open(digest: Digest, how: 'find' | 'confirm' = 'find'): Promise<ClientBlob> {
    const id = await this.#findId();
    const reader = id === undefined ? undefined : await this.#openCopy(id, digest, how);
    if (!reader) throw new OciError('BLOB_UNKNOWN', { detail: `${this.#name} has no blob ${digest}` });
    return reader;
  }

  /** Tries again, since a record may be switched to another copy, or be collected, between reading it and opening the old one. */
  async #openCopy(id: number, digest: Digest, how: 'find' | 'confirm'): Promise<ClientBlob | undefined> {
    const { database, reads, log } = this.#options;
    const record = await database.repositoryBlobs[how](id, digest);
    const reader = record && (await reads.open(record.storageKey, digest));
    if (!record || reader) return reader;
    const now = await database.repositoryBlobs.find(id, digest);
    if (!now) return undefined;
    const { storageKey: key } = now;
    const other = key === record.storageKey ? undefined : await reads.open(key, digest);
    if (!other) log.error({ digest, key, repository: this.#name }, 'the bytes of a pushed blob are gone');
    return other;
  }
}

export interface HostedPull {
  readonly reference: Reference;
  readonly isPull: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly mayPush?: (() => Promise<boolean>) | undefined;
}

/** The answer, once it is let in, counted where it is a pull. @throws ImageRefused */
export async function answerManifest(
  options: ReadingOptions,
  { id: repositoryId, name: repository }: { readonly id: number; readonly name: RepositoryName },
  { digest, mediaType, payload }: HostedManifest,
  { reference, isPull, signal, mayPush }: HostedPull,
): Promise<ManifestAnswer> {
  const place = { kind: 'hosted', repositoryId, repository } as const;
  const content = new HostedRepository(options, repository, repositoryId).content;
  const image = { digest, mediaType, payload, place, reference, content };
  const warnings = await options.admission.admit(image, signal).catch(async (error: unknown) => {
    // An image is signed once it was pushed, and whoever signs it reads it first.
    const isUnsigned = error instanceof ImageRefused && error.verdict.policy === 'signatures';
    if (isUnsigned && (await mayPush?.())) return [error.verdict.reason];
    throw error;
  });
  if (isPull)
    options.pulls.count({ repositoryId, digest, tag: isDigestReference(reference) ? undefined : reference });
  return { digest, mediaType, payload, outcome, warnings };
}
