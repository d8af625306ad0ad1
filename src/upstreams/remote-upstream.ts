/** A remote registry over HTTP. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#endpoints */
import type { Digest } from '../oci/digest.ts';
import { manifestAccept } from '../oci/media-types.ts';
import { isDigestReference, type Reference, type RepositoryName, type Tag } from '../oci/reference.ts';
import { registryHostOf } from '../oci/registry-host.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import type { Answer } from '../outbound/answer.ts';
import { type Limit, withDeadline } from '../outbound/deadline.ts';
import { BlobBody, type BlobBodyOptions, type BlobRange, parsePart, rangeHeader } from './blob-transfer.ts';
import type { Ticket } from './breaker.ts';
import { findDigest, readManifest } from './manifest-answer.ts';
import { listReferrers } from './referrers.ts';
import { Registry, type UpstreamOptions } from './registry.ts';
import { matcherOf, ownRepositoryAt, repositoryAt } from './repository-names.ts';
import { listTags } from './tag-list.ts';
import type {
  FetchedManifest,
  ManifestHead,
  OpenedBlob,
  Upstream,
  UpstreamHealth,
  UpstreamSettings,
} from './upstream.ts';

/** What registries without HEAD answer to it. */
const headUnsupported = [405, 501];

export class RemoteUpstream implements Upstream {
  readonly settings: UpstreamSettings;
  readonly host: string;
  readonly #registry: Registry;
  readonly #probeLimit: Limit;
  readonly #listLimit: Limit;
  readonly #pace: Pick<BlobBodyOptions, 'windowMs' | 'minBytesPerSecond' | 'now'>;
  readonly #isMatch: (repository: string) => boolean;

  constructor(settings: UpstreamSettings, options: UpstreamOptions) {
    this.settings = settings;
    this.host = registryHostOf(settings.url);
    this.#registry = new Registry(settings, options);
    const { probeMs, listMs, idleMs: windowMs, minBytesPerSecond, now } = options;
    this.#probeLimit = { ms: probeMs, setting: 'upstreams.probe_seconds' };
    this.#listLimit = { ms: listMs, setting: 'upstreams.list_seconds' };
    this.#pace = { windowMs, minBytesPerSecond, now };
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

  async headManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<ManifestHead> {
    const statuses = [200, ...headUnsupported];
    const target = this.#manifest('HEAD', repository, reference);
    const request = { ...target, kind: 'manifest-head', statuses, limit: this.#probeLimit } as const;
    return this.#registry.ask(request, signal, (answer) => {
      answer.discard();
      if (answer.status !== 200) return { digest: undefined };
      return { digest: isDigestReference(reference) ? reference : findDigest(answer) };
    });
  }

  async getManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<FetchedManifest> {
    const request = {
      ...this.#manifest('GET', repository, reference),
      kind: 'manifest',
      statuses: [200],
    } as const;
    return this.#registry.ask(request, signal, (answer) => readManifest(answer, reference));
  }

  async headBlob(
    repository: RepositoryName,
    digest: Digest,
    signal?: AbortSignal,
  ): Promise<number | undefined> {
    const statuses = [200, ...headUnsupported];
    const request = { ...this.#blob('HEAD', repository, digest), kind: 'blob-head', statuses } as const;
    const { status, length } = await this.#registry.ask(request, signal, (answer) => {
      answer.discard();
      return answer;
    });
    if (status === 200) return length;
    const opened = await this.openBlob(repository, digest, { start: 0 }, signal);
    opened.close();
    return opened.size;
  }

  async openBlob(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal?: AbortSignal,
  ): Promise<OpenedBlob> {
    const headers = rangeHeader(range);
    const statuses = 'range' in headers ? [200, 206] : [200];
    const request = {
      ...this.#blob('GET', repository, digest),
      kind: 'blob',
      headers,
      statuses,
      isTransfer: true,
    } as const;
    return this.#registry.ask(request, signal, (answer, ticket) => this.#openedBlob(answer, range, ticket));
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

  #manifest(method: 'GET' | 'HEAD', repository: RepositoryName, reference: Reference) {
    const url = this.#registry.urlOf(`${repository}/manifests/${reference}`);
    return { method, url, repository, headers: { accept: manifestAccept } };
  }

  #blob(method: 'GET' | 'HEAD', repository: RepositoryName, digest: Digest) {
    return { method, url: this.#registry.urlOf(`${repository}/blobs/${digest}`), repository };
  }

  #openedBlob(answer: Answer, range: BlobRange, ticket: Ticket): OpenedBlob {
    const { start, length, size } = parsePart(answer, range);
    const { health } = this.#registry;
    const body = new BlobBody({
      ...this.#pace,
      answer,
      expected: length,
      onBytes: (count) => health.arrived(count),
      onFailure: (error) => health.failed(ticket, error),
    });
    return { start, size, body, close: () => body.close() };
  }
}
