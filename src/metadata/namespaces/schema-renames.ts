/** The table of names that renames have taken; conventions as in schema.ts. */
export interface RenameTables {
  rename_leases: RenameLeaseTable;
}

/** primary key (path, project_id): of a path that another project has since, the lease does not speak. index on project_id */
interface RenameLeaseTable {
  /** of a repository or a project, with all below it */
  path: string;
  /** which repositories of this path belong to, or will */
  project_id: number;
  /** as of Writer.key */
  holder: string;
  /** announced: will be renamed by its holder; over: its repositories have other names now */
  state: 'announced' | 'over';
  expires_at: number;
}
