/** What we believe of one (upstream, repository, reference), as a record. */
import type { Generated } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Optional, RecordOf } from '../db/tables.ts';

export type EntryKind = 'manifest' | 'blob' | 'referrers';

/**
 * What we believe of one (upstream, repository, reference), and the link that makes a manifest or blob readable through it.
 * unique (upstreamId, kind, repository, reference); index (upstreamId, repository, digest); index on digest
 */
export interface CacheEntryTable {
  id: Generated<number>;
  groupId: number;
  upstreamId: number;
  kind: EntryKind;
  /** The name at the upstream, e.g. library/redis. */
  repository: RepositoryName;
  /** A tag or a digest. */
  reference: string;
  /** The digest of the content; for referrers, of the payload that is stored in manifests. */
  digest: Digest;
  mediaType: string;
  /** In bytes. */
  size: number;
  etag: Optional<string>;
  checkedAt: number;
  createdAt: number;
  updatedAt: number;
  downloadsCount: Generated<number>;
  downloadedAt: Optional<number>;
  /**
   * What eviction goes by: when it was last pulled or checked, or when an entry that needs it was, as far as eviction has looked. indexes
   * with id
   */
  usedAt: Generated<number>;
}

export type CacheEntry = Omit<RecordOf<CacheEntryTable>, 'usedAt'>;

export const entryColumns = [
  'cacheEntries.id',
  'cacheEntries.groupId',
  'cacheEntries.upstreamId',
  'cacheEntries.kind',
  'cacheEntries.repository',
  'cacheEntries.reference',
  'cacheEntries.digest',
  'cacheEntries.mediaType',
  'cacheEntries.size',
  'cacheEntries.etag',
  'cacheEntries.checkedAt',
  'cacheEntries.createdAt',
  'cacheEntries.updatedAt',
  'cacheEntries.downloadsCount',
  'cacheEntries.downloadedAt',
] as const;

/** One repository at one upstream. */
export interface EntrySource {
  readonly upstreamId: number;
  readonly repository: RepositoryName;
}

/** What links a manifest, or a list of referrers. */
export interface ManifestLink {
  readonly groupId: number;
  readonly upstreamId: number;
  readonly kind: 'manifest' | 'referrers';
  readonly repository: RepositoryName;
  readonly reference: string;
  readonly digest: Digest;
  readonly mediaType: string;
  readonly etag: string | undefined;
  /** Epoch milliseconds. */
  readonly checkedAt: number;
}

export interface BlobLink {
  readonly groupId: number;
  readonly upstreamId: number;
  readonly repository: RepositoryName;
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  readonly checkedAt: number;
}

export interface Downloads {
  /** Of the entry. */
  readonly id: number;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}
