/** A remote registry over HTTP. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName, Tag } from '../oci/reference.ts';
import { registryHostOf } from '../oci/registry-host.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import { type Limit, withDeadline } from '../outbound/deadline.ts';
import { BlobRequests } from './blob-requests.ts';
import { ManifestRequests } from './manifest-requests.ts';
import { listReferrers } from './referrers.ts';
import { Registry, type UpstreamOptions } from './registry.ts';
import { matcherOf, ownRepositoryAt, repositoryAt } from './repository-names.ts';
import { listTags } from './tag-list.ts';
import type {
  BlobRange,
  FetchedManifest,
  ManifestHead,
  OpenedBlob,
  Upstream,
  UpstreamHealth,
  UpstreamSettings,
} from './upstream.ts';

export class RemoteUpstream implements Upstream {
  readonly settings: UpstreamSettings;
  readonly host: string;
  readonly #registry: Registry;
  readonly #manifests: ManifestRequests;
  readonly #listLimit: Limit;
  readonly #blobs: BlobRequests;
  readonly #isMatch: (repository: string) => boolean;

  constructor(
    settings: UpstreamSettings,
    options: UpstreamOptions,
    registry = new Registry(settings, options),
  ) {
    this.settings = settings;
    this.host = registryHostOf(settings.url);
    this.#registry = registry;
    const { probeMs, listMs, idleMs: windowMs, minBytesPerSecond, now } = options;
    const probeLimit = { ms: probeMs, setting: 'upstreams.probe_seconds' };
    this.#manifests = new ManifestRequests({ registry: this.#registry, probeLimit, now });
    this.#listLimit = { ms: listMs, setting: 'upstreams.list_seconds' };
    const pace = { windowMs, minBytesPerSecond, now };
    this.#blobs = new BlobRequests({ registry: this.#registry, pace });
    this.#isMatch = matcherOf(settings, options.log);
  }

  repositoryOf(name: RepositoryName, isOwn = false): RepositoryName | undefined {
    return isOwn ? ownRepositoryAt(this.settings, name) : repositoryAt(this.settings, name);
  }

  allows(name: RepositoryName, isOwn = false): boolean {
    const repository = this.repositoryOf(name, isOwn);
    return repository !== undefined && this.#isMatch(repository);
  }

  health(): UpstreamHealth {
    return this.#registry.health.snapshot();
  }

  headManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<ManifestHead> {
    return this.#manifests.head(repository, reference, signal);
  }

  getManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<FetchedManifest> {
    return this.#manifests.get(repository, reference, signal);
  }

  headBlob(repository: RepositoryName, digest: Digest, signal?: AbortSignal): Promise<number | undefined> {
    return this.#blobs.head(repository, digest, signal);
  }

  openBlob(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal?: AbortSignal,
  ): Promise<OpenedBlob> {
    return this.#blobs.open(repository, digest, range, signal);
  }

  listTags(repository: RepositoryName, signal?: AbortSignal): Promise<readonly Tag[]> {
    return withDeadline(this.#listLimit, signal, (heeded) => listTags(this.#registry, repository, heeded));
  }

  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    signal?: AbortSignal,
  ): Promise<readonly ReferrerDescriptor[]> {
    return withDeadline(this.#listLimit, signal, (heeded) =>
      listReferrers(this.#registry, repository, subject, heeded),
    );
  }

  async close(): Promise<void> {
    await this.#registry.close();
  }
}
