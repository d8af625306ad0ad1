/** Which tags and repositories of a project are guarded, and from whom; which tags go by themselves, or many at once. */
import { sql } from 'kysely';
import { counted, owner, required, type Tables } from '../tables.ts';

export async function createTagRules(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('protection_rules')
    .addColumn('id', integer, id)
    .addColumn('project_id', integer, owner('projects.id'))
    .addColumn('kind', text, required)
    .addColumn('pattern', text, required)
    .addColumn('push_level', integer, required)
    .addColumn('delete_level', integer, required)
    .addColumn('created_at', integer, required)
    // Its index finds the rules of a project, too.
    .addUniqueConstraint('protection_rules_project_id_kind_pattern', ['project_id', 'kind', 'pattern'])
    .addCheckConstraint(
      'protection_rules_levels',
      sql`(kind = 'immutable_tag') = (push_level = 0 and delete_level = 0)`,
    )
    .execute();

  await tables
    .table('cleanup_policies')
    .addColumn('project_id', integer, (column) =>
      column.primaryKey().notNull().references('projects.id').onDelete('cascade'),
    )
    .addColumn('enabled', integer, required)
    .addColumn('cadence', text, required)
    .addColumn('keep_n', integer)
    .addColumn('older_than', text)
    .addColumn('name_regex', text, required)
    .addColumn('name_regex_keep', text)
    .addColumn('next_run_at', integer, required)
    .addColumn('requested_at', integer)
    .addColumn('started_at', integer)
    .addColumn('run', text)
    .addColumn('last_run', text)
    .execute();
  await tables.index('cleanup_policies', ['enabled', 'next_run_at'], 'cleanup_policies_due').execute();
  await tables.index('cleanup_policies', ['requested_at'], 'cleanup_policies_requested').execute();

  await tables
    .table('tag_deletions')
    .addColumn('id', integer, id)
    .addColumn('repository_id', integer, owner('repositories.id'))
    .addColumn('criteria', text, required)
    .addColumn('actor', text, required)
    .addColumn('requested_at', integer, required)
    .addColumn('cut', text)
    .addColumn('deleted_count', integer, counted)
    .addColumn('finished_at', integer)
    .execute();
  await tables
    .index('tag_deletions', ['repository_id', 'requested_at'], 'tag_deletions_by_repository_id')
    .execute();
  await tables
    .index('tag_deletions', ['id'], 'tag_deletions_unfinished')
    .where(sql.ref('finished_at'), 'is', null)
    .execute();
}
