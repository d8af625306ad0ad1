/** What we believe of one (upstream, repository, reference), as a record. */
import type { Selectable } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import type { Tables } from '../db/schema.ts';

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
export interface EntryPlace {
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
export function entryFromRow(row: Selectable<Tables['cache_entries']>): CacheEntry {
  return {
    id: row.id,
    groupId: row.group_id,
    upstreamId: row.upstream_id,
    kind: row.kind,
    repository: row.repository as RepositoryName,
    reference: row.reference,
    digest: row.digest as Digest,
    mediaType: row.media_type,
    size: row.size,
    etag: row.etag ?? undefined,
    checkedAt: row.checked_at,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
    downloadsCount: row.downloads_count,
    downloadedAt: row.downloaded_at ?? undefined,
  };
}
