/** What /gitlab/v1 is handed. */
import type { Identity } from '../../auth/rights/identity.ts';
import type { Digest } from '../../oci/digest.ts';
import type { RepositoryName, Tag } from '../../oci/reference.ts';
import type { PageRequest } from '../../oci/repository.ts';
import type { Access, Maintenance } from '../registry/services.ts';
import type { Renames } from './renames.ts';

export interface GitlabOptions {
  readonly access: Access;
  readonly inventory: Inventory;
  readonly renames: Renames;
  readonly maintenance: Maintenance;
  /** Why there is nothing here now; undefined: there is. */
  readonly offReason?: () => Promise<string | undefined>;
  readonly statistics: Statistics;
}

/** What is in hosted repositories; whether someone may know is not its business. */
export interface Inventory {
  /** @param size undefined: it is not asked for. @throws OciError NAME_UNKNOWN */
  repository(name: RepositoryName, size: SizeScope | undefined): Promise<RepositoryAnswer>;
  /** @throws OciError NAME_UNKNOWN, TAG_UNKNOWN */
  tag(name: RepositoryName, tag: Tag): Promise<TagAnswer>;
  /** @throws OciError NAME_UNKNOWN */
  tags(name: RepositoryName, request: TagListRequest): Promise<TagListAnswer>;
  /** Repositories of this name and below it that have a tag. */
  repositories(
    path: RepositoryName,
    page: PageRequest,
  ): Promise<{ readonly repositories: readonly RepositoryDetail[]; readonly hasMore: boolean }>;
}

/** Which repositories count: the one of a name, or it and all below it. */
export type SizeScope = 'self' | 'self_with_descendants';

export interface RepositoryDetail {
  readonly name: string;
  readonly createdAt: number;
  /** When a manifest or a tag of it changed last. */
  readonly updatedAt: number;
}

export interface RepositoryAnswer {
  /** Undefined for a path that only has repositories below it. */
  readonly detail: RepositoryDetail | undefined;
  readonly lastPublishedAt: number | undefined;
  readonly size: { readonly bytes: number; readonly precision: 'default' | 'untagged' } | undefined;
}

export interface TagListRequest {
  /** A page of tags, or the one tag of this name. */
  readonly tags: TagPageRequest | Tag;
  /** Types of the referrers that are asked for. Undefined: none are; an empty list: all. */
  readonly referrerTypes: readonly string[] | undefined;
}

export interface TagPageRequest {
  readonly order: TagOrder;
  /** Undefined: from the beginning. */
  readonly marker: TagMarker | undefined;
  /** Only tags whose name has this part; upper and lower case differ. */
  readonly containing: string | undefined;
  readonly limit: number;
}

/** Tags go by name, byte by byte; or by when they were pushed last, those of one instant by name. */
export interface TagOrder {
  readonly by: 'name' | 'published';
  readonly direction: 'ascending' | 'descending';
}

/** What stands between two tags; the tag itself is on neither side, and need not exist. */
export interface TagMarker {
  readonly side: 'before' | 'after';
  readonly name: string;
  /** When the tag was pushed, for an order by that; epoch milliseconds. */
  readonly publishedAt: number;
}

export interface ListedTag {
  readonly name: Tag;
  readonly digest: Digest;
  readonly configDigest: Digest | undefined;
  readonly mediaType: string;
  readonly sizeBytes: number;
  readonly createdAt: number;
  readonly publishedAt: number;
  /** Undefined where they were not asked for. */
  readonly referrers:
    | readonly { readonly digest: Digest; readonly artifactType: string | undefined }[]
    | undefined;
}

export interface TagListAnswer {
  readonly tags: readonly ListedTag[];
  readonly hasPrevious: boolean;
  readonly hasNext: boolean;
}

export interface ImageAnswer {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly sizeBytes: number;
  /** Undefined for an index. */
  readonly config: { readonly digest: Digest; readonly mediaType: string } | undefined;
  /** What it runs on, as far as its config tells. */
  readonly platform:
    | { readonly architecture?: string | undefined; readonly os?: string | undefined }
    | undefined;
}

export interface TagAnswer {
  readonly name: Tag;
  readonly createdAt: number;
  readonly publishedAt: number;
  readonly image: ImageAnswer;
  /** The images that an index lists; undefined for an image. */
  readonly references: readonly ImageAnswer[] | undefined;
}

export interface Statistics {
  /** Administrators alone may see it. @throws OciError UNAUTHORIZED, DENIED */
  demand(identity: Identity): Promise<void>;
}
