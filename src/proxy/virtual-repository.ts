/** One repository at the remote upstreams of a virtual registry: readable, and nothing else. */
import type { ImageContent } from '../admission/admission-policy.ts';
import type { PullCounts } from '../cache/pull-counts.ts';
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName } from '../oci/reference.ts';
import type {
  BlobAnswer,
  BlobStat,
  BytesAnswer,
  ManifestAnswer,
  Outcome,
  PageRequest,
  ReferrersAnswer,
  TagsAnswer,
} from '../oci/repository.ts';
import type { BlobPull } from './blob-pull.ts';
import type { ManifestPull, PulledRepository } from './manifest-pull.ts';
import type { KeptBlob, WarmableRepository } from './prewarm/warmable-repository.ts';
import type { ReferrerLists } from './referrer-lists.ts';
import type { RemotePart } from './registry-view.ts';
import { type Source, sourcesOf } from './source.ts';
import type { TagLists } from './tag-lists.ts';

/** What pulls through any virtual registry share. */
export interface Pulls {
  readonly manifests: ManifestPull;
  readonly blobs: BlobPull;
  readonly tags: TagLists;
  readonly referrers: ReferrerLists;
  readonly counts: Pick<PullCounts, 'count'>;
}

export class VirtualRepository implements WarmableRepository {
  readonly #pulls: Pulls;
  readonly #part: RemotePart;
  readonly #name: RepositoryName;

  constructor(pulls: Pulls, part: RemotePart, name: RepositoryName) {
    this.#pulls = pulls;
    this.#part = part;
    this.#name = name;
  }

  /** As {@link manifest}, where nothing has to be waited for; undefined where something has. */
  hotManifest(reference: Reference, isPull: boolean): ManifestAnswer | undefined {
    return this.#countedNow(this.#pulls.manifests.hot(this.#key, reference, isPull), isPull);
  }

  /** As {@link blob} or {@link statBlob}, where nothing has to be waited for; undefined where something has. */
  hotBlob(digest: Digest, isPull: boolean): BytesAnswer | undefined {
    return this.#countedNow(this.#pulls.blobs.hot(this.#key, digest, isPull), isPull);
  }

  manifest(reference: Reference, isPull: boolean, signal?: AbortSignal): Promise<ManifestAnswer> {
    const answer = this.#pulls.manifests.manifest(this.#pulled, reference, isPull, signal);
    return isPull ? this.#counted(answer) : answer;
  }

  async blob(digest: Digest, signal?: AbortSignal): Promise<BlobAnswer> {
    return this.#counted(this.#pulls.blobs.blob(this.#key, this.#sources, digest, signal));
  }

  async statBlob(digest: Digest, signal?: AbortSignal): Promise<BlobStat> {
    return this.#pulls.blobs.stat(this.#key, this.#sources, digest, signal);
  }

  async keepBlob(digest: Digest, signal?: AbortSignal): Promise<KeptBlob> {
    return this.#pulls.blobs.keep(this.#key, this.#sources, digest, signal);
  }

  async tags(page: PageRequest, signal?: AbortSignal): Promise<TagsAnswer> {
    return this.#pulls.tags.list(this.#sources, page, signal);
  }

  async referrers(subject: Digest, signal?: AbortSignal): Promise<ReferrersAnswer> {
    return this.#pulls.referrers.list(this.#key, this.#sources, subject, signal);
  }

  async #counted<T extends { readonly outcome: Outcome }>(pull: Promise<T>): Promise<T> {
    const answer = await pull;
    this.#pulls.counts.count(this.#part.groupId, answer.outcome !== 'miss' && answer.outcome !== 'updated');
    return answer;
  }

  #countedNow(hit: BytesAnswer | undefined, isPull: boolean): BytesAnswer | undefined {
    if (hit && isPull) this.#pulls.counts.count(this.#part.groupId, true);
    return hit;
  }

  /** What policies read. */
  get content(): ImageContent {
    return {
      manifest: (reference, _isPull, signal) =>
        this.#pulls.manifests.unjudged(this.#pulled, reference, signal),
      blob: async (digest, signal) => (await this.keepBlob(digest, signal)).blob,
      referrers: (subject, signal) => this.referrers(subject, signal),
    };
  }

  get #pulled(): PulledRepository {
    const { registryId } = this.#part;
    return { key: this.#key, registryId, sources: () => this.#sources, content: this.content };
  }

  get #key(): string {
    return `${this.#part.key}/${this.#name}`;
  }

  get #sources(): Source[] {
    return sourcesOf(this.#part, this.#name);
  }
}
