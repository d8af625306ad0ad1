/** The tables of cleaning up tags; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface CleanupPolicyTables {
  cleanup_policies: CleanupPolicyTable;
  deleted_tags: DeletedTagTable;
}

/** primary key project_id; what is not here is as of the defaults. index (enabled, next_run_at) */
interface CleanupPolicyTable {
  project_id: number;
  enabled: number;
  cadence: string;
  keep_n: number | null;
  older_than: string | null;
  name_regex: string;
  name_regex_keep: string | null;
  next_run_at: number;
  /** when a run was asked for that has not ended yet. index */
  requested_at: number | null;
  /** of the run that goes on; null: none does */
  started_at: number | null;
  /** JSON object: how far the run that goes on has come; null: none does */
  run: string | null;
  /** JSON object: how the last run that ended went; null: none has */
  last_run: string | null;
}

/** What a tag named before it was removed; goes with its manifest. index (repository_id, name, deleted_at) */
interface DeletedTagTable {
  id: Generated<number>;
  repository_id: number;
  name: string;
  digest: string;
  deleted_at: number;
  /** for people to read: a user's name, or 'cleanup policy' */
  deleted_by: string;
  /** when it had been pushed last */
  published_at: number;
}
