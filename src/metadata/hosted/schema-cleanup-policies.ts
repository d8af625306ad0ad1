/** The tables of cleaning up tags; conventions as in schema.ts. */
export interface CleanupPolicyTables {
  cleanup_policies: CleanupPolicyTable;
}

/** primary key project_id; what is not here is as of the defaults. index (enabled, next_run_at) */
interface CleanupPolicyTable {
  project_id: number;
  enabled: boolean;
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
