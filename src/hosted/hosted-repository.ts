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
import type { StorageKey } from '../storage/blob-store.ts';
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
    const bytes = this.#options.hot.findBytes(digest);
    if (bytes && (await this.#findRecord(digest))) return rememberedBlob(digest, outcome, bytes);
    return this.#open(digest);
  }

  /**
   * By the records alone, which know of bytes that were missed: a client that is told that they are here will not push them, and relies
   * on their staying for a while.
   */
  async statBlob(digest: Digest): Promise<BlobStat> {
    const id = await this.#findId();
    const record =
      id === undefined ? undefined : await this.#options.database.repositoryBlobs.confirm(id, digest);
    if (!record) throw this.#unknown(digest);
    return { digest, size: record.size, outcome };
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

  /**
   * Looks again where a copy is gone: its record may be switched to another, or be collected, between reading it and opening the old one.
   * @param gone a copy that was missed
   * @throws OciError BLOB_UNKNOWN
   */
  async #open(digest: Digest, gone?: StorageKey): Promise<BlobAnswer> {
    const { buffers, hot: memory, reads } = this.#options;
    const record = await this.#findRecord(digest);
    if (!record) throw this.#unknown(digest);
    const { storageKey, size } = record;
    if (storageKey === gone) {
      await this.#noteMissing(record);
      throw this.#unknown(digest);
    }
    const reader = await reads.open(storageKey, size, digest);
    const lookElsewhere = () => this.#open(digest, storageKey);
    return reader ? storedBlob(digest, outcome, reader, { buffers, memory, lookElsewhere }) : lookElsewhere();
  }

  #unknown(digest: Digest): OciError {
    return new OciError('BLOB_UNKNOWN', { detail: `${this.#name} has no blob ${digest}` });
  }

  /** From now on it is told to be absent, so that it is pushed again. */
  async #noteMissing({ digest, storageKey, size }: BlobRecord): Promise<void> {
    const { database, log } = this.#options;
    const finding = { kind: 'missing', digest, storageKey, size, hosted: true } as const;
    if (!(await database.storedBlobs.addFinding(finding))) return;
    log.error({ digest, key: storageKey, repository: this.#name }, 'the bytes of a pushed blob are gone');
    await database.auditEvents.add({
      actorName: 'pull',
      action: 'blob.missing',
      targetId: digest,
      details: { size, repositories: [this.#name], storageKey },
    });
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
