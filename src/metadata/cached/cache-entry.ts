/** What we believe of one (upstream, repository, reference), as a record. */
import type { Selectable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Tables } from '../db/tables.ts';

export type EntryKind = 'manifest' | 'blob' | 'referrers';

export interface CacheEntry {
  readonly id: number;
  readonly groupId: number;
  readonly upstreamId: number;
  readonly kind: EntryKind;
  /** The name at the upstream. */
  readonly repository: RepositoryName;
  /** A tag or a digest. */
  readonly reference: string;
  /** Of the content. */
  readonly digest: Digest;
  readonly mediaType: string;
  /** In bytes. */
  readonly size: number;
  readonly etag: string | undefined;
  readonly checkedAt: number;
  readonly createdAt: number;
  readonly updatedAt: number;
  readonly downloadsCount: number;
  readonly downloadedAt: number | undefined;
}

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

/** Digests and names were parsed before they were recorded. */
export function entryFromRow(row: Selectable<Tables['cacheEntries']>): CacheEntry {
  return {
    id: row.id,
    groupId: row.groupId,
    upstreamId: row.upstreamId,
    kind: row.kind,
    repository: row.repository as RepositoryName,
    reference: row.reference,
    digest: row.digest as Digest,
    mediaType: row.mediaType,
    size: row.size,
    etag: row.etag ?? undefined,
    checkedAt: row.checkedAt,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
    downloadsCount: row.downloadsCount,
    downloadedAt: row.downloadedAt ?? undefined,
  };
}
