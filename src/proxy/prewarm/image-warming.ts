/** One image, fetched as a client of each of its platforms would: manifests, configs and layers, and of an index only what is asked for. */
import { type Digest, isDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import {
  isImageConfig,
  maxImageConfigBytes,
  type Platform,
  parseImageConfig,
  parsePlatform,
} from '../../oci/image-config.ts';
import { formatPlatform } from '../../oci/image-facts.ts';
import { maxManifestReferences, type ParsedManifest, parseManifest } from '../../oci/manifest.ts';
import { isFor } from '../../oci/platforms.ts';
import type { Reference } from '../../oci/reference.ts';
import type { Outcome } from '../../oci/repository.ts';
import { isRecord, recordsIn } from '../../oci/untrusted-json.ts';
import type { KeptBlob, WarmableRepository } from './warmable-repository.ts';

export interface WarmingOptions {
  readonly repository: WarmableRepository;
  /** As `linux/arm64`; empty: all. */
  readonly platforms: readonly string[];
  /** Told of bytes once they are here. What it throws ends the work. */
  readonly onFetched: (bytes: number) => Promise<void>;
  readonly signal: AbortSignal;
}

/** Of one image: an index lists what it likes. */
const maxManifests = 1000;
const fetchedOutcomes: readonly Outcome[] = ['miss', 'updated'];

export class ImageWarming {
  readonly #options: WarmingOptions;
  readonly #seen = new Set<Digest>();
  readonly #found = new Set<string>();
  /** What there is, for people. */
  readonly #offered = new Set<string>();
  #manifests = 0;

  constructor(options: WarmingOptions) {
    this.#options = options;
  }

  /** @throws OciError where it is not to be had, or not for a platform that is asked for; NoRoom */
  async run(reference: Reference): Promise<void> {
    await this.#manifest(reference, false);
    const missing = this.#options.platforms.filter((platform) => !this.#found.has(platform));
    if (missing.length === 0) return;
    const offered = [...this.#offered].join(', ') || 'none that it names';
    throw new OciError('MANIFEST_UNKNOWN', {
      detail: `the image is not there for ${missing.join(', ')}; its platforms: ${offered}`,
    });
  }

  /** @param isChosen it is said elsewhere for which platforms it is */
  async #manifest(reference: Reference, isChosen: boolean): Promise<void> {
    const { repository, onFetched, signal } = this.#options;
    this.#manifests += 1;
    if (this.#manifests > maxManifests)
      throw new OciError('MANIFEST_INVALID', {
        detail: `the image has more than ${maxManifests} manifests: ask for some of its platforms`,
      });
    const { payload, mediaType, outcome } = await repository.manifest(reference, false, signal);
    if (outcome === 'stale')
      throw new OciError('UNAVAILABLE', {
        detail: 'no upstream could be asked whether what is cached is still the newest',
      });
    if (fetchedOutcomes.includes(outcome)) await onFetched(payload.length);
    const manifest = parseManifest(payload, mediaType);
    const children = childrenOf(manifest);
    for (const { digest, platform } of children) {
      const isNamed = platform.os !== undefined;
      const isWanted = !isNamed || this.#isAskedFor(platform);
      if (!isWanted || this.#seen.has(digest)) continue;
      this.#seen.add(digest);
      await this.#manifest(digest, isNamed);
    }
    await this.#blobs(manifest, isChosen || children.length > 0);
  }

  async #blobs({ references }: ParsedManifest, isChosen: boolean): Promise<void> {
    // What has URLs of its own is fetched from there by clients.
    const blobs = references.filter(
      ({ kind, hasUrls }) => (kind === 'config' || kind === 'layer') && !hasUrls,
    );
    const config = blobs.find(({ kind }) => kind === 'config');
    const isImage = config !== undefined && isImageConfig(config.mediaType);
    if (!isChosen && !this.#isAskedFor(isImage ? await this.#platformIn(config.digest) : {})) return;
    for (const { digest } of blobs)
      if (!this.#seen.has(digest)) await (await this.#keep(digest)).blob.close();
  }

  /** What is for no platform that anybody could name, as a Helm chart, is for each. */
  #isAskedFor(platform: Platform): boolean {
    const { platforms } = this.#options;
    const isForAll = platform.os === undefined;
    if (!isForAll && platform.os !== 'unknown') this.#offered.add(formatPlatform(platform));
    const found = platforms.filter((asked) => isForAll || isFor(asked, platform));
    for (const asked of found) this.#found.add(asked);
    return platforms.length === 0 || found.length > 0;
  }

  async #platformIn(config: Digest): Promise<Platform> {
    const { blob } = await this.#keep(config);
    try {
      if (blob.size === undefined || blob.size > maxImageConfigBytes) return {};
      const chunks: Buffer[] = [];
      // A chunk is good until the next one.
      for await (const chunk of blob.read(0, undefined, this.#options.signal))
        chunks.push(Buffer.from(chunk));
      return parseImageConfig(Buffer.concat(chunks))?.platform ?? {};
    } finally {
      await blob.close();
    }
  }

  async #keep(digest: Digest): Promise<KeptBlob> {
    const { repository, onFetched, signal } = this.#options;
    const kept = await repository.keepBlob(digest, signal);
    this.#seen.add(digest);
    try {
      if (kept.fetchedBytes > 0) await onFetched(kept.fetchedBytes);
      return kept;
    } catch (error) {
      await kept.blob.close();
      throw error;
    }
  }
}

function childrenOf({ json }: ParsedManifest): { readonly digest: Digest; readonly platform: Platform }[] {
  return recordsIn(json['manifests'], maxManifestReferences).flatMap(({ digest, platform }) =>
    typeof digest === 'string' && isDigest(digest)
      ? [{ digest, platform: isRecord(platform) ? parsePlatform(platform) : {} }]
      : [],
  );
}
