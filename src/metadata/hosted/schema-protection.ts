/** The tables of what is protected; conventions as in schema.ts. */
import type { Generated } from 'kysely';

export interface ProtectionTables {
  repository_protection_rules: RepositoryProtectionRuleTable;
  tag_protection_rules: TagProtectionRuleTable;
}

/** unique (project_id, path_pattern) */
interface RepositoryProtectionRuleTable {
  id: Generated<number>;
  project_id: number;
  /** what comes after the project's full path; `*` is any text */
  path_pattern: string;
  /** the least role as of members, or 60 for administrators; one of the two is there */
  push_level: number | null;
  delete_level: number | null;
  created_at: number;
}

/** unique (project_id, tag_name_pattern) */
interface TagProtectionRuleTable {
  id: Generated<number>;
  project_id: number;
  /** RE2 */
  tag_name_pattern: string;
  /** as above, both or none; none: immutable */
  push_level: number | null;
  delete_level: number | null;
  created_at: number;
}
