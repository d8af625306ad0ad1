/** A remote registry as the rest of the server sees it. Every method throws only OutboundError (or the signal's reason). */
import type { Digest } from '../oci/digest.ts';
import type { Reference, RepositoryName, Tag } from '../oci/reference.ts';
import type { ReferrerDescriptor } from '../oci/repository.ts';
import type { ClientCertificate } from '../outbound/trust.ts';
import type { CloudIdentity } from './clouds/cloud-identity.ts';

/** What Docker's login takes. */
export interface BasicCredentials {
  /** For people alone: what the name is checked as, and shown as. */
  readonly provider?: 'basic' | 'harbor-robot';
  readonly username: string;
  readonly password: string;
}

/** In what connections to one upstream differ from all others. */
export interface UpstreamNetwork {
  /** A URL, or `direct` for none; undefined: as for all. */
  readonly proxy: string | undefined;
  /** PEM of authorities that are believed besides, wherever the upstream leads. */
  readonly caCertificate: string | undefined;
  /** For the upstream's own host alone, as is whether its certificate has to be good. */
  readonly clientCertificate: ClientCertificate | undefined;
  readonly tlsVerify: boolean;
  /** By names in lower case, for the upstream's own origin alone. */
  readonly headers: Readonly<Record<string, string>>;
}

export const plainNetwork: UpstreamNetwork = {
  proxy: undefined,
  caCertificate: undefined,
  clientCertificate: undefined,
  tlsVerify: true,
  headers: {},
};

/** How old images have to be before they are let in. */
export interface QuarantineSettings {
  readonly minAgeMs: number;
  /** Globs of names at the upstream, with or without a tag, that may be of any age. */
  readonly exemptPatterns: readonly string[];
  /** Whether what is pulled by digest may be of any age. */
  readonly exemptsDigests: boolean;
  /** Whether the first image of a tag that was never seen before is as old as it says itself. */
  readonly trustsCreated: boolean;
}

/** What an operator configured of one upstream. */
export interface UpstreamSettings {
  readonly id: number;
  readonly name: string;
  /** http or https, without a trailing slash or /v2; of a local upstream `entrepot:` and a path. */
  readonly url: string;
  readonly credentials: BasicCredentials | CloudIdentity | undefined;
  /** The host of its token service where that is on another domain, with or without a port. */
  readonly tokenHost?: string | undefined;
  /** A path that images of the virtual registry are below, and that the upstream does not know; others are not asked for there. */
  readonly stripPrefix?: string | undefined;
  /** A path at the upstream that all images asked for are below. */
  readonly addPrefix?: string | undefined;
  /** Globs of repositories' names at the upstream; none allow all. */
  readonly allowPatterns: readonly string[];
  readonly denyPatterns: readonly string[];
  readonly allowPrivateNetwork: boolean;
  readonly network: UpstreamNetwork;
  readonly cacheValidityHours: number;
  /** Undefined: images of any age are let in. */
  readonly quarantine?: QuarantineSettings | undefined;
  /** Changes whenever anything above does. */
  readonly updatedAt: number;
}

export interface ManifestHead {
  /** Undefined where the upstream does not say it: ask by GET. */
  readonly digest: Digest | undefined;
  /** Where HEAD is of no use at the upstream, so that GET was asked. */
  readonly manifest?: FetchedManifest;
}

export interface FetchedManifest {
  /** At most 4 MiB. */
  readonly payload: Buffer;
  /** As the upstream sent it, without parameters. */
  readonly contentType: string | undefined;
  /** Computed from the payload, in the algorithm of the reference where that is a digest. */
  readonly digest: Digest;
  readonly etag: string | undefined;
}

export interface BlobRange {
  /** First byte. */
  readonly start: number;
  /** Last byte, where only a part is wanted. */
  readonly last?: number | undefined;
  /** Of the whole blob in bytes, as far as is known. */
  readonly size?: number | undefined;
}

export interface OpenedBlob {
  /** Position of the body's first byte: the offset asked for, or 0 where the upstream ignored the range. */
  readonly start: number;
  /** Size of the whole blob in bytes; undefined where the upstream does not say. */
  readonly size: number | undefined;
  /** Ends early with an OutboundError where the connection breaks or idles too long. */
  readonly body: AsyncIterable<Buffer>;
  /** Ends the transfer; safe to call more than once. */
  close(): void;
}

export type BreakerState = 'closed' | 'open' | 'half-open';

export interface UpstreamHealth {
  readonly breaker: BreakerState;
  /** Epoch milliseconds. */
  readonly openUntil: number | undefined;
  readonly lastSuccessAt: number | undefined;
  readonly lastError: { readonly at: number; readonly message: string } | undefined;
  readonly quota: Quota | undefined;
}

/** What RateLimit headers said last. */
export interface Quota {
  readonly limit: number | undefined;
  readonly remaining: number | undefined;
  readonly windowSeconds: number | undefined;
  /** Epoch milliseconds. */
  readonly seenAt: number;
}

export interface Upstream {
  readonly settings: UpstreamSettings;
  /** What images of its registry are called by: `docker.io`, `ghcr.io`. */
  readonly host: string;
  /**
   * What the repository is called at this upstream: its prefixes are changed, and Docker Hub's names of one segment get `library/`.
   * Undefined where no image of the name is asked for there.
   * @param isOwn whether the name is that of the upstream's registry already
   */
  repositoryOf(name: RepositoryName, isOwn?: boolean): RepositoryName | undefined;
  /** Whether prefixes and patterns let the repository through. */
  allows(name: RepositoryName, isOwn?: boolean): boolean;
  health(): UpstreamHealth;

  /** Whether it is there, within a short time. Of most errors, GET may say otherwise: see {@link isSettled}. */
  headManifest(repository: RepositoryName, reference: Reference, signal?: AbortSignal): Promise<ManifestHead>;
  getManifest(
    repository: RepositoryName,
    reference: Reference,
    signal?: AbortSignal,
  ): Promise<FetchedManifest>;
  /** The size in bytes, where the upstream says it. */
  headBlob(repository: RepositoryName, digest: Digest, signal?: AbortSignal): Promise<number | undefined>;
  /** Asks for the range in each way that registries are known to understand, and for the whole where none is understood. */
  openBlob(
    repository: RepositoryName,
    digest: Digest,
    range: BlobRange,
    signal?: AbortSignal,
  ): Promise<OpenedBlob>;
  /** All pages, in byte order without duplicates. */
  listTags(repository: RepositoryName, signal?: AbortSignal): Promise<readonly Tag[]>;
  /** All pages, or the fallback tag's index; empty where there are none. */
  listReferrers(
    repository: RepositoryName,
    subject: Digest,
    signal?: AbortSignal,
  ): Promise<readonly ReferrerDescriptor[]>;
  /** Frees connections. */
  close(): Promise<void>;
}
