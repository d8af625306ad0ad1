/** What lists of any length go by: an index for each order and filter, and how many tags a repository has. */
import { createSearches } from './searched.ts';
import { counted, linkKey, required, type Tables, withOwner } from './tables.ts';

export async function indexLists(tables: Tables): Promise<void> {
  await extendTags(tables);
  await countTags(tables);
  if (tables.types.dialect === 'sqlite') await createSearches(tables);
  await indexRepositories(tables);
  for (const [table, ...columns] of [
    ['projects', 'name', 'id'],
    ['projects', 'path', 'id'],
    ['projects', 'created_at', 'id'],
    ['projects', 'updated_at', 'id'],
    ['projects', 'group_id', 'full_path'],
    ['projects', 'visibility', 'full_path'],
    ['groups', 'parent_id', 'full_path'],
    ['users', 'kind', 'id'],
    ['users', 'is_admin', 'id'],
    ['users', 'state', 'id'],
    ['access_tokens', 'user_id', 'id'],
    ['job_tokens', 'project_id', 'id'],
    ['deleted_tags', 'repository_id', 'id'],
    ['storage_findings', 'state', 'id'],
    ['webhook_deliveries', 'webhook_id', 'state', 'id'],
    ['audit_events', 'action', 'id'],
    ['audit_events', 'target_type', 'target_id', 'id'],
  ] as const)
    await tables.index(table, columns).execute();
  for (const [table, ...columns] of [
    ['projects', 'group_id'],
    ['groups', 'parent_id'],
    ['access_tokens', 'user_id'],
    ['job_tokens', 'project_id'],
    ['storage_findings', 'state'],
    ['audit_events', 'target_type', 'target_id'],
  ] as const)
    await tables.dropIndex(table, columns);
}

/** Tags keep the size of what they name. On SQLite they get a number, too, by which a search finds them. */
async function extendTags(tables: Tables): Promise<void> {
  const { integer, text, dialect } = tables.types;
  if (dialect === 'postgres') {
    await tables.dropIndex('tags', ['repository_id', 'updated_at']);
    await tables.dropIndex('tags', ['repository_id', 'updated_at', 'name']);
    await tables.dropIndex('tags', linkKey);
    await tables.run('alter table tags add column size_bytes bigint not null default 0');
    await tables.run(`update tags set size_bytes = named.size_bytes from repository_manifests as named
      where named.repository_id = tags.repository_id and named.digest = tags.digest and named.size_bytes <> 0`);
  } else {
    await tables.run('alter table tags rename to former_tags');
    await tables
      .table('tags')
      .addColumn('id', integer, (column) => column.primaryKey())
      .addColumn('repository_id', integer, required)
      .addColumn('name', text, required)
      .addColumn('digest', text, required)
      .addColumn('created_at', integer, required)
      .addColumn('updated_at', integer, required)
      .addColumn('pulled_at', integer)
      .addColumn('pulls_count', integer, counted)
      .addColumn('size_bytes', integer, counted)
      .addUniqueConstraint('tags_key', ['repository_id', 'name'])
      .addForeignKeyConstraint('tags_manifest', linkKey, 'repository_manifests', linkKey, withOwner)
      .execute();
    const kept = 'repository_id, name, digest, created_at, updated_at, pulled_at, pulls_count';
    await tables.run(`insert into tags (${kept}, size_bytes)
      select ${kept}, (
        select named.size_bytes from repository_manifests as named
        where named.repository_id = former_tags.repository_id and named.digest = former_tags.digest
      ) from former_tags order by repository_id, name`);
    await tables.run('drop table former_tags');
  }
  await tables.index('tags', linkKey).execute();
  await tables.index('tags', ['repository_id', 'updated_at', 'name']).execute();
  await tables.index('tags', ['repository_id', 'size_bytes', 'name']).execute();
  const pulled = await tables.addOrder('tags', 'pulled_at');
  await tables.index('tags', ['repository_id', pulled, 'name']).execute();
}

async function countTags(tables: Tables): Promise<void> {
  await tables.run(
    'alter table repositories add column tags_count bigint not null default 0'.replace(
      'bigint',
      tables.types.integer,
    ),
  );
  await tables.run(
    'update repositories set tags_count = (select count(*) from tags where repository_id = repositories.id)',
  );
  for (const statement of counting[tables.types.dialect]) await tables.run(statement);
}

async function indexRepositories(tables: Tables): Promise<void> {
  for (const column of ['size_bytes', 'published_at', 'pulled_at']) {
    const key = await tables.addOrder('repositories', column);
    await tables.index('repositories', [key, 'id']).execute();
    await tables.index('repositories', ['project_id', key, 'id']).execute();
  }
  await tables.index('repositories', ['project_id', 'name']).execute();
  await tables.index('repositories', ['project_id', 'id']).execute();
  await tables.dropIndex('repositories', ['project_id']);
}

/** Triggers that count tags: they see what goes by a foreign key, too, with its manifest. */
const counting = {
  sqlite: [
    `create trigger tags_added after insert on tags begin
       update repositories set tags_count = tags_count + 1 where id = new.repository_id;
     end`,
    `create trigger tags_removed after delete on tags begin
       update repositories set tags_count = tags_count - 1 where id = old.repository_id;
     end`,
  ],
  // Once for a statement: many rows would change the repository's row as often.
  postgres: [
    `create function count_tags() returns trigger language plpgsql as $$
     begin
       if tg_op = 'INSERT' then
         update repositories set tags_count = tags_count + added.count
           from (select repository_id, count(*) as count from changed group by repository_id) as added
           where repositories.id = added.repository_id;
       else
         update repositories set tags_count = tags_count - removed.count
           from (select repository_id, count(*) as count from changed group by repository_id) as removed
           where repositories.id = removed.repository_id;
       end if;
       return null;
     end $$`,
    `create trigger tags_added after insert on tags referencing new table as changed
       for each statement execute function count_tags()`,
    `create trigger tags_removed after delete on tags referencing old table as changed
       for each statement execute function count_tags()`,
  ],
};
