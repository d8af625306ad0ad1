/** The two capabilities of a repository. The /v2 API knows only these. */
import type { Digest } from './digest.ts';
import type { Reference, Tag } from './reference.ts';

/**
 * How a pull was answered, in Cache-Status, logs and metrics alike.
 * collapsed: waited for or followed a request that another client had started.
 */
export type Outcome = 'hit' | 'miss' | 'collapsed' | 'revalidated' | 'updated' | 'stale';

export interface ManifestAnswer {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The exact bytes that were pushed; never changed by whoever reads them. */
  readonly payload: Buffer;
  readonly outcome: Outcome;
}

export interface BlobStat {
  readonly digest: Digest;
  /** In bytes; undefined where an upstream does not say before the end. */
  readonly size: number | undefined;
  readonly outcome: Outcome;
}

/** A blob ready to be read. It must be read to an end or closed. */
export interface BlobAnswer extends BlobStat {
  /**
   * The bytes from `start` up to and without `end` (to the blob's end when undefined).
   * Each chunk is only valid until the next one is asked for. Throws where the blob breaks off;
   * the last bytes come only after the digest was verified.
   */
  read(start: number, end: number | undefined, signal: AbortSignal): AsyncIterable<Uint8Array>;
  /** Lets go of what reading needs. Safe to call more than once. */
  close(): Promise<void>;
}

export interface TagsAnswer {
  /** All of them, in byte order. */
  readonly tags: readonly Tag[];
  readonly outcome: Outcome;
}

export interface ReferrersAnswer {
  readonly descriptors: readonly ReferrerDescriptor[];
  readonly outcome: Outcome;
}

/** An entry of a referrers list; fields beyond these are passed on as they came. */
export interface ReferrerDescriptor {
  readonly mediaType: string;
  readonly digest: Digest;
  readonly size: number;
  readonly artifactType?: string | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

export interface ReadableRepository {
  /**
   * @param isPull false for a HEAD: the answer is the same, but it is not counted as a download.
   * @throws OciError MANIFEST_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS
   */
  manifest(reference: Reference, isPull: boolean): Promise<ManifestAnswer>;
  /** @throws OciError BLOB_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS */
  blob(digest: Digest): Promise<BlobAnswer>;
  /** As {@link blob}, without getting it. */
  statBlob(digest: Digest): Promise<BlobStat>;
  /** @throws OciError NAME_UNKNOWN, UNAVAILABLE */
  tags(): Promise<TagsAnswer>;
  /** Empty for an unknown subject. @throws OciError UNAVAILABLE */
  referrers(subject: Digest): Promise<ReferrersAnswer>;
}
