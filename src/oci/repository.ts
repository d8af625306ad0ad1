/** The two capabilities of a repository. The /v2 API knows only these. */
import type { Digest } from './digest.ts';
import type { Reference, RepositoryName, Tag } from './reference.ts';
import type { EventOrigin } from './registry-event.ts';
import type { Uploads } from './uploads.ts';

/**
 * How a pull was answered, in Cache-Status, logs and metrics alike.
 * collapsed: waited for or followed a request that another client had started. hosted: what was pushed to us; no cache.
 */
export type Outcome = 'hit' | 'miss' | 'collapsed' | 'revalidated' | 'updated' | 'stale' | 'hosted';

/** All of a manifest or of a small blob. */
export interface BytesAnswer {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The exact bytes that were pushed; never changed by whoever reads them. */
  readonly payload: Buffer;
  readonly outcome: Outcome;
  /** What the client is warned of, in sentences. */
  readonly warnings?: readonly string[] | undefined;
}

export type ManifestAnswer = BytesAnswer;

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
  /**
   * A URL where this client gets the same bytes without us, good for a while. Undefined, also as a result: only here.
   * @param client its address
   */
  readonly urlFor?: ((client: string | undefined) => Promise<string | undefined>) | undefined;
}

/** A part of a list in byte order. */
export interface PageRequest {
  /** Only what comes after it, whether or not it exists; empty: from the beginning. */
  readonly after: string;
  /** The most entries to give; 0 gives none. */
  readonly limit: number;
}

export interface TagsAnswer {
  /** In byte order. */
  readonly tags: readonly Tag[];
  /** Whether there are tags after these. */
  readonly hasMore: boolean;
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

/** Each `signal` is of who asks: once they have left, nothing more is asked of others for them. */
export interface ReadableRepository {
  /**
   * @param isPull false for a HEAD: the answer is the same, but it is not counted as a download.
   * @throws OciError MANIFEST_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS
   */
  manifest(reference: Reference, isPull: boolean, signal?: AbortSignal): Promise<ManifestAnswer>;
  /** @throws OciError BLOB_UNKNOWN, UNAVAILABLE, TOOMANYREQUESTS */
  blob(digest: Digest, signal?: AbortSignal): Promise<BlobAnswer>;
  /** As {@link blob}, without getting it. */
  statBlob(digest: Digest, signal?: AbortSignal): Promise<BlobStat>;
  /** @throws OciError NAME_UNKNOWN, UNAVAILABLE */
  tags(page: PageRequest, signal?: AbortSignal): Promise<TagsAnswer>;
  /** Empty for an unknown subject. @throws OciError UNAVAILABLE */
  referrers(subject: Digest, signal?: AbortSignal): Promise<ReferrersAnswer>;
}

/** Who has blobs, as far as a mount asks. */
export type BlobHolder = Pick<ReadableRepository, 'statBlob'>;

/** Who writes: whom uploads belong to, and what audit events say. */
export interface Writer {
  /** The same for all of one identity's requests, whatever credentials they come with: `user:5`, `anonymous`. */
  readonly key: string;
  readonly userId: number | undefined;
  readonly name: string;
  /** The client's address. */
  readonly address: string | undefined;
  /** What rules that protect tags compare with what they ask for: their role in the project, 60 for administrators, 0 for none. */
  readonly protectionLevel: number;
  /** Their request, for those who are told of what it does. */
  readonly origin?: EventOrigin | undefined;
}

export interface ManifestPush {
  /** Kept byte for byte. */
  readonly payload: Buffer;
  /** As the client said it; undefined where it did not. */
  readonly contentType: string | undefined;
  /** Given besides a digest, by `?tag=`. */
  readonly tags: readonly Tag[];
}

export interface StoredManifest {
  readonly digest: Digest;
  /** What it says it belongs to, whether or not that exists. */
  readonly subject: Digest | undefined;
}

/** A repository that is pushed to, as one writer has it. */
export interface WritableRepository extends ReadableRepository {
  readonly uploads: Uploads;
  /**
   * Payload, references, tags and audit event, all or nothing.
   * @throws OciError MANIFEST_INVALID (400, too large 413), DIGEST_INVALID, MANIFEST_BLOB_UNKNOWN, DENIED over a limit,
   * PROTECTED_TAG, IMMUTABLE_TAG
   */
  putManifest(reference: Reference, push: ManifestPush): Promise<StoredManifest>;
  /**
   * A tag: only the tag. A digest: the manifest and its tags.
   * @throws OciError MANIFEST_UNKNOWN, MANIFEST_REFERENCED, PROTECTED_TAG, IMMUTABLE_TAG, PROTECTED_MANIFEST, UNSUPPORTED
   */
  deleteManifest(reference: Reference): Promise<void>;
  /** The link; the bytes may have others. @throws OciError BLOB_UNKNOWN, UNSUPPORTED */
  deleteBlob(digest: Digest): Promise<void>;
  /**
   * Links a blob of another repository without an upload. False where that does not have it, or not at hand.
   * @param source that the writer may pull from
   * @param sourceName its name, for those who are told
   * @throws OciError DENIED over a quota
   */
  mount(digest: Digest, source: BlobHolder, sourceName?: RepositoryName): Promise<boolean>;
}
