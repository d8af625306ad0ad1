/** What bounds a cache: when entries were used, how many bytes they link, limits, pins, and policies. */
import { type ColumnDefinitionBuilder, type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function cacheRetention(types: ColumnTypes): Migration {
  const { integer, text, id, tableEnd } = types;
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  const zero = (column: ColumnDefinitionBuilder) => column.notNull().defaultTo(0);
  /** A column whose row goes when the row that it names goes. */
  const owner = (target: string) => (column: ColumnDefinitionBuilder) =>
    column.notNull().references(target).onDelete('cascade');

  return {
    async up(db: Kysely<unknown>) {
      const createTable = (name: string) => db.schema.createTable(name).modifyEnd(tableEnd);
      const index = (table: string, columns: string[]) =>
        db.schema
          .createIndex(`${table}_by_${columns.join('_')}`)
          .on(table)
          .columns(columns);

      await db.schema.alterTable('cache_entries').addColumn('used_at', integer, zero).execute();
      await sql`update cache_entries set used_at = coalesce(downloaded_at, checked_at)`.execute(db);
      await index('cache_entries', ['used_at', 'id']).execute();
      await index('cache_entries', ['group_id', 'used_at', 'id']).execute();
      await db.schema.dropIndex('cache_entries_by_group_id').execute();

      await createTable('cached_blobs')
        .addColumn('scope', integer, required)
        .addColumn('digest', text, required)
        .addColumn('size', integer, required)
        .addColumn('entries', integer, required)
        .addPrimaryKeyConstraint('cached_blobs_key', ['scope', 'digest'])
        .execute();
      await createTable('cache_size_changes')
        .addColumn('id', integer, id)
        .addColumn('scope', integer, required)
        .addColumn('bytes', integer, required)
        .execute();
      await index('cache_size_changes', ['scope']).execute();
      await createTable('cache_reservations')
        .addColumn('id', integer, id)
        .addColumn('scope', integer, required)
        .addColumn('bytes', integer, required)
        .addColumn('expires_at', integer, required)
        .execute();
      await index('cache_reservations', ['scope']).execute();
      await (types.canDropNotNull ? countInPostgres(db) : countInSqlite(db));
      await countWhatIsThere(db);

      await createTable('group_caches')
        .addColumn('group_id', integer, (column) =>
          column.primaryKey().references('groups.id').onDelete('cascade'),
        )
        .addColumn('max_bytes', integer)
        .addColumn('evicted_at', integer)
        .addColumn('evicted_entries', integer, zero)
        .addColumn('evicted_bytes', integer, zero)
        .execute();

      await createTable('cache_pins')
        .addColumn('id', integer, id)
        .addColumn('registry_id', integer, owner('virtual_registries.id'))
        .addColumn('image', text, required)
        .addColumn('tag', text)
        .addColumn('digest', text)
        .addColumn('created_at', integer, required)
        .addCheckConstraint('cache_pins_reference', sql`tag is null or digest is null`)
        .execute();
      await index('cache_pins', ['registry_id']).execute();

      await createTable('cache_pulls')
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('day', integer, required)
        .addColumn('hits', integer, required)
        .addColumn('misses', integer, required)
        .addPrimaryKeyConstraint('cache_pulls_key', ['group_id', 'day'])
        .execute();

      await createTable('cache_retention_policies')
        .addColumn('group_id', integer, owner('groups.id'))
        .addColumn('enabled', integer, required)
        .addColumn('cadence_days', integer, required)
        .addColumn('keep_days', integer, required)
        .addColumn('notify_on_success', integer, required)
        .addColumn('notify_on_failure', integer, required)
        .addColumn('status', text, required)
        .addColumn('failure_message', text)
        .addColumn('next_run_at', integer, required)
        .addColumn('last_run_at', integer)
        .addColumn('last_deleted_entries', integer, zero)
        .addColumn('last_deleted_bytes', integer, zero)
        .addColumn('run_started_at', integer)
        .addColumn('run_deleted_entries', integer, zero)
        .addColumn('run_deleted_bytes', integer, zero)
        .addColumn('created_at', integer, required)
        .addColumn('updated_at', integer, required)
        .addPrimaryKeyConstraint('cache_retention_policies_group_id', ['group_id'])
        .execute();
      await index('cache_retention_policies', ['next_run_at']).execute();
    },
  };
}

/** Triggers see what goes by a foreign key, too: with its upstream, or its group. */
async function countInSqlite(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create trigger cache_entries_added after insert on cache_entries when new.kind = 'blob' begin
       insert into cached_blobs (scope, digest, size, entries)
         values (0, new.digest, new.size, 1), (new.group_id, new.digest, new.size, 1)
         on conflict (scope, digest) do update set entries = entries + 1;
     end`,
    `create trigger cache_entries_removed after delete on cache_entries when old.kind = 'blob' begin
       update cached_blobs set entries = entries - 1 where digest = old.digest and scope in (0, old.group_id);
       delete from cached_blobs where digest = old.digest and scope in (0, old.group_id) and entries = 0;
     end`,
    `create trigger cached_blobs_added after insert on cached_blobs begin
       insert into cache_size_changes (scope, bytes) values (new.scope, new.size);
     end`,
    `create trigger cached_blobs_removed after delete on cached_blobs begin
       insert into cache_size_changes (scope, bytes) values (old.scope, -old.size);
     end`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** As {@link countInSqlite}. Each changes the rows of a blob in the same order: two never wait for each other. */
async function countInPostgres(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `create function count_cache_entry() returns trigger language plpgsql as $$
     begin
       if tg_op = 'INSERT' then
         insert into cached_blobs (scope, digest, size, entries)
           values (0, new.digest, new.size, 1), (new.group_id, new.digest, new.size, 1)
           on conflict (scope, digest) do update set entries = cached_blobs.entries + 1;
       else
         update cached_blobs set entries = entries - 1 where digest = old.digest and scope = 0;
         update cached_blobs set entries = entries - 1 where digest = old.digest and scope = old.group_id;
         delete from cached_blobs where digest = old.digest and scope in (0, old.group_id) and entries = 0;
       end if;
       return null;
     end $$`,
    `create trigger cache_entries_added after insert on cache_entries
       for each row when (new.kind = 'blob') execute function count_cache_entry()`,
    `create trigger cache_entries_removed after delete on cache_entries
       for each row when (old.kind = 'blob') execute function count_cache_entry()`,
    `create function count_cached_blob() returns trigger language plpgsql as $$
     begin
       if tg_op = 'INSERT' then
         insert into cache_size_changes (scope, bytes) values (new.scope, new.size);
       else
         insert into cache_size_changes (scope, bytes) values (old.scope, -old.size);
       end if;
       return null;
     end $$`,
    `create trigger cached_blobs_counted after insert or delete on cached_blobs
       for each row execute function count_cached_blob()`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

/** The triggers count it, too. */
async function countWhatIsThere(db: Kysely<unknown>): Promise<void> {
  for (const scope of ['0', 'group_id'])
    await sql`
      insert into cached_blobs (scope, digest, size, entries)
      select ${sql.raw(scope)}, digest, max(size), count(*)
      from cache_entries where kind = 'blob'
      group by ${scope === '0' ? sql.raw('digest') : sql.raw('group_id, digest')}`.execute(db);
}
