/** The tables of the collector; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface CollectorTables {
  blob_reviews: BlobReviewTable;
  payload_reviews: PayloadReviewTable;
  link_reviews: LinkReviewTable;
  manifest_reviews: ManifestReviewTable;
  gc_runs: GcRunTable;
}

interface ReviewTable {
  digest: string;
  /** not before then; a later event postpones it; index */
  review_after: number;
  /** the last reason */
  event: ReviewEvent;
  created_at: number;
  /** reviews in a row that failed since the last event */
  review_count: Generated<number>;
  /** why the last review failed; null: it did not */
  last_error: string | null;
  /** a process looks at it now and is taken for dead from then on; null: none does */
  claimed_until: number | null;
}

/** Bytes that may have become of use to nobody. primary key digest */
type BlobReviewTable = ReviewTable;

/** Payloads of manifests that may have become of use to nobody. primary key digest */
type PayloadReviewTable = ReviewTable;

/** Links of blobs that may have become, or not be yet, of use to their repository. primary key (repository_id, digest); goes with its link */
interface LinkReviewTable extends ReviewTable {
  repository_id: number;
}

/** As {@link LinkReviewTable}, of manifests. */
interface ManifestReviewTable extends ReviewTable {
  repository_id: number;
}

/** Why something may be of use to nobody. */
export type ReviewEvent =
  | 'blob_upload'
  | 'blob_mount'
  /** a client was told that the repository has it */
  | 'blob_head'
  | 'blob_delete'
  | 'manifest_upload'
  | 'manifest_delete'
  | 'tag_delete'
  | 'tag_switch'
  | 'repository_delete'
  | 'project_delete'
  | 'entry_delete'
  /** for room: at once */
  | 'entry_evict'
  | 'entry_switch'
  | 'upstream_delete'
  /** the collector removed a link of it: at once */
  | 'link_collect'
  /** the collector waits for `gc.untagged` */
  | 'untagged';

/** What one process removed in one go. index on started_at */
interface GcRunTable {
  id: Generated<number>;
  started_at: number;
  ended_at: number;
  reviewed: number;
  manifests: number;
  links: number;
  blobs: number;
  /** of the blobs */
  bytes: number;
  payloads: number;
  failed: number;
}
