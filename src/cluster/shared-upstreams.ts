/** Upstreams whose short questions all processes ask together; blobs are shared by those who fetch them. */
import type { Digest } from '../oci/digest.ts';
import { parseRepositoryName, type Reference, type RepositoryName, type Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import type {
  BlobRange,
  FetchedManifest,
  ManifestHead,
  OpenedBlob,
  Upstream,
  UpstreamHealth,
  UpstreamSettings,
} from '../upstreams/upstream.ts';
import type { PeerTools } from './ask-peer.ts';
import type { PeerAnswering } from './cluster-handler.ts';
import { heads, manifests, referrers, tags } from './question-kinds.ts';
import { SharedQuestion } from './shared-question.ts';

export class SharedUpstreams {
  readonly heads: SharedQuestion<ManifestHead>;
  readonly manifests: SharedQuestion<FetchedManifest>;
  readonly tags: SharedQuestion<readonly Tag[]>;
  readonly referrers: SharedQuestion<readonly ReferrerDescriptor[]>;

  constructor(tools: PeerTools) {
    this.heads = new SharedQuestion(heads, tools);
    this.manifests = new SharedQuestion(manifests, tools);
    this.tags = new SharedQuestion(tags, tools);
    this.referrers = new SharedQuestion(referrers, tools);
  }

  /** @param upstream that asks for itself */
  share(upstream: Upstream): Upstream {
    return new SharedUpstream(upstream, this);
  }

  /**
   * Answers a question of another process; undefined where it cannot be read.
   * @param find the upstream of this number that asks for itself
   */
  serve(
    query: URLSearchParams,
    find: (id: number) => Promise<Upstream | undefined>,
  ): PeerAnswering | undefined {
    const get = (name: string) => query.get(name) ?? '';
    const all = [this.heads, this.manifests, this.tags, this.referrers];
    const shared = all.find(({ name }) => name === get('kind'));
    if (!shared) return undefined;
    return async (writer) => {
      const upstream = await find(Number(get('id')));
      const isKnown = upstream?.settings.updatedAt === Number(get('at'));
      await writer.say(
        upstream && isKnown
          ? await shared.say(
              upstream,
              parseRepositoryName(get('repository')),
              get('reference'),
              writer.signal,
            )
          : { isUnknown: true },
      );
    };
  }
}

class SharedUpstream implements Upstream {
  readonly #own: Upstream;
  readonly #shared: SharedUpstreams;

  constructor(own: Upstream, shared: SharedUpstreams) {
    this.#own = own;
    this.#shared = shared;
  }

  get settings(): UpstreamSettings {
    return this.#own.settings;
  }

  get host(): string {
    return this.#own.host;
  }

  repositoryOf(name: RepositoryName, isOwn?: boolean): RepositoryName | undefined {
    return this.#own.repositoryOf(name, isOwn);
  }

  allows(name: RepositoryName, isOwn?: boolean): boolean {
    return this.#own.allows(name, isOwn);
  }

  health(): UpstreamHealth {
    return this.#own.health();
  }

  headManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<ManifestHead> {
    return this.#shared.heads.ask(this.#own, repository, reference, signal);
  }

  getManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<FetchedManifest> {
    return this.#shared.manifests.ask(this.#own, repository, reference, signal);
  }

  headBlob(repository: RepositoryName, digest: Digest, signal?: AbortSignal): Promise<number | undefined> {
    return this.#own.headBlob(repository, digest, signal);
  }

  openBlob(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal?: AbortSignal,
  ): Promise<OpenedBlob> {
    return this.#own.openBlob(repository, digest, range, signal);
  }

  listTags(repository: RepositoryName, signal?: AbortSignal): Promise<readonly Tag[]> {
    return this.#shared.tags.ask(this.#own, repository, '', signal);
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    signal?: AbortSignal,
  ): Promise<readonly ReferrerDescriptor[]> {
    return this.#shared.referrers.ask(this.#own, repository, subject, signal);
  }

  close(): Promise<void> {
    return this.#own.close();
  }
}
