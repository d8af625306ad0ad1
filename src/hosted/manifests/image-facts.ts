/** Finds out what pushed manifests say of images: before their push is recorded or, where that was not done, when it is first asked for. */
import type { ImageSummary } from '../../metadata/content/image-facts.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import { type ImageConfig, maxImageConfigBytes, parseImageConfig } from '../../oci/image-config.ts';
import { findImageConfig, type ImageFacts, parseImageFacts } from '../../oci/image-facts.ts';
import { type JsonRecord, parseJsonRecord } from '../../oci/untrusted-json.ts';
import type { BlobReader } from '../../storage/blob-store.ts';
import type { HostedOptions } from '../hosted-options.ts';

export type ImageFactsOptions = Pick<HostedOptions, 'database' | 'store' | 'log'>;

/**
 * It reads bytes, so it is called outside of any transaction. A config that is malformed or cannot be read is never an error.
 * @param findRepositoryId of the repository whose links say which configs may be read; undefined: none
 * @returns undefined where everything is known already
 */
export async function findNewFacts(
  options: ImageFactsOptions,
  findRepositoryId: () => Promise<number | undefined>,
  digest: Digest,
  manifest: JsonRecord,
): Promise<ImageFacts | undefined> {
  const config = findImageConfig(manifest);
  const [isSettled, repositoryId] = await Promise.all([
    options.database.imageFacts.isSettled(digest),
    config && findRepositoryId(),
  ]);
  if (isSettled) return undefined;
  return parseImageFacts(manifest, config && (await readConfig(options, repositoryId, config.digest)));
}

export class ImageFactsReader {
  readonly #options: ImageFactsOptions;

  constructor(options: ImageFactsOptions) {
    this.#options = options;
  }

  /** Undefined where the repository has no such manifest. */
  async find(repositoryId: number, digest: Digest): Promise<ImageFacts | undefined> {
    const { imageFacts } = this.#options.database;
    const known = await imageFacts.find(repositoryId, digest);
    if (known && known.configState !== 'missing') return known;
    return (await this.#learn(repositoryId, digest)) ? imageFacts.find(repositoryId, digest) : known;
  }

  /** The summaries of these manifests by their digests, as far as the repository has them. */
  async summarize(
    repositoryId: number,
    digests: readonly Digest[],
  ): Promise<ReadonlyMap<Digest, ImageSummary>> {
    const { imageFacts } = this.#options.database;
    const known = await imageFacts.summarize(repositoryId, digests);
    const unknown = [...new Set(digests)].filter((digest) => !known.has(digest));
    const learned: Digest[] = [];
    for (const digest of unknown) if (await this.#learn(repositoryId, digest)) learned.push(digest);
    return learned.length === 0
      ? known
      : new Map([...known, ...(await imageFacts.summarize(repositoryId, learned))]);
  }

  /** Finds out and records what a manifest says. Whether there is more to be told than before. */
  async #learn(repositoryId: number, digest: Digest): Promise<boolean> {
    const { repositoryManifests } = this.#options.database;
    const manifest = await repositoryManifests.find(repositoryId, digest);
    const facts =
      manifest &&
      (await findNewFacts(
        this.#options,
        async () => repositoryId,
        digest,
        parseJsonRecord(manifest.payload) ?? {},
      ));
    if (!facts) return false;
    return this.#options.database.transaction(async (tx) => saveFacts(tx, repositoryId, digest, facts));
  }
}

/** Records the facts unless the manifest is gone meanwhile. Whether it did. */
async function saveFacts(
  tx: Records,
  repositoryId: number,
  digest: Digest,
  facts: ImageFacts,
): Promise<boolean> {
  const missing = await tx.repositoryManifests.listMissing(repositoryId, [digest]);
  if (missing.length > 0) return false;
  await tx.imageFacts.save(digest, facts);
  return true;
}

async function readConfig(
  options: ImageFactsOptions,
  repositoryId: number | undefined,
  digest: Digest,
): Promise<ImageConfig | 'missing' | 'unreadable'> {
  const bytes = repositoryId === undefined ? 'missing' : await readConfigBytes(options, repositoryId, digest);
  return typeof bytes === 'string' ? bytes : (parseImageConfig(bytes) ?? 'unreadable');
}

/** A config as it was pushed to the repository, where it is no larger than configs are. */
export async function readConfigBytes(
  { database, store, log }: ImageFactsOptions,
  repositoryId: number,
  digest: Digest,
): Promise<Uint8Array | 'missing' | 'unreadable'> {
  const blob = await database.repositoryBlobs.find(repositoryId, digest);
  if (!blob) return 'missing';
  if (blob.size > maxImageConfigBytes) return 'unreadable';
  try {
    const reader = await store.open(blob.storageKey);
    if (!reader) return 'missing';
    try {
      return await readWhole(reader);
    } finally {
      await reader.close();
    }
  } catch (error) {
    log.warn({ err: error, digest }, 'the config of an image could not be read');
    return 'missing';
  }
}

/** @throws Error for more than a config may have */
async function readWhole(reader: BlobReader): Promise<Uint8Array> {
  const { size } = reader;
  if (size > maxImageConfigBytes) throw new Error(`a config has ${size} bytes, over ${maxImageConfigBytes}`);
  const bytes = new Uint8Array(size);
  let length = 0;
  while (length < size) {
    const count = await reader.readAt(bytes.subarray(length), length);
    if (count === 0) break;
    length += count;
  }
  return bytes.subarray(0, length);
}
