/** The tables of what is pushed to us; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface HostedTables {
  projects: ProjectTable;
  repositories: RepositoryTable;
  tag_deletions: TagDeletionTable;
  uploads: UploadTable;
}

interface ProjectTable {
  id: Generated<number>;
  group_id: number;
  name: string;
  path: string;
  /** unique, lower case: the group's, a slash, and the path */
  full_path: string;
  description: string | null;
  visibility: 'private' | 'internal' | 'public';
  container_registry_access_level: Generated<'enabled' | 'private' | 'disabled'>;
  /** null: only the quotas of its groups apply */
  quota_bytes: number | null;
  /** when it came to its full path; null: when it was created */
  placed_at: number;
  created_at: number;
  updated_at: number;
}

/** Made at the first link or manifest. */
interface RepositoryTable {
  id: Generated<number>;
  project_id: number;
  /** unique: the project's full path, and up to two segments more */
  name: string;
  created_at: number;
  /** when a manifest or a tag of it changed last */
  updated_at: number;
  /** null unless it is to be deleted */
  status: RepositoryStatus | null;
  /** tries to delete it that failed */
  delete_failures: Generated<number>;
  /** when a tag was pushed last */
  published_at: number | null;
  /** when a manifest was pulled last */
  pulled_at: number | null;
  /** of the blobs that its tags reach, as of `sized_at`, which is what `updated_at` was then */
  size_bytes: number | null;
  sized_at: number | null;
  /** when a cleanup policy began to look at it last */
  cleanup_started_at: number | null;
}

/** GitLab's names. */
export type RepositoryStatus = 'delete_scheduled' | 'delete_ongoing' | 'delete_failed';

/** Requests to delete many tags of a repository; index (repository_id, requested_at) */
interface TagDeletionTable {
  id: Generated<number>;
  repository_id: number;
  /** JSON object */
  criteria: string;
  requested_at: number;
  actor_id: number | null;
  actor_name: string;
  actor_address: string | null;
  /** their role in the project, 60 for administrators */
  actor_level: number;
  /** of the newest tag that goes, once that is decided: push time and name */
  cut_at: number | null;
  cut_name: string | null;
  deleted_count: Generated<number>;
  finished_at: number | null;
}

/** Uploads; their bytes are in the upload store. */
interface UploadTable {
  id: string;
  project_id: number;
  /** the repository's name: it may have no row yet */
  repository: string;
  writer: string;
  started_at: number;
  expires_at: number;
  /** the digest that it was committed with, kept for a while so that the commit may be repeated */
  finished_digest: string | null;
}
