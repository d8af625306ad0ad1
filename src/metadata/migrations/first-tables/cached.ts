/** What is believed of upstreams' content, and how many bytes it links. */
import { counted, owner, required, type Tables } from '../tables.ts';

export async function createCached(tables: Tables): Promise<void> {
  const { integer, text, id } = tables.types;

  await tables
    .table('cache_entries')
    .addColumn('id', integer, id)
    .addColumn('group_id', integer, owner('groups.id'))
    .addColumn('upstream_id', integer, owner('upstreams.id'))
    .addColumn('kind', text, required)
    .addColumn('repository', text, required)
    .addColumn('reference', text, required)
    .addColumn('digest', text, required)
    .addColumn('media_type', text, required)
    .addColumn('size', integer, required)
    .addColumn('etag', text)
    .addColumn('checked_at', integer, required)
    .addColumn('created_at', integer, required)
    .addColumn('updated_at', integer, required)
    .addColumn('downloads_count', integer, counted)
    .addColumn('downloaded_at', integer)
    .addColumn('used_at', integer, counted)
    .addUniqueConstraint('cache_entries_place', ['upstream_id', 'kind', 'repository', 'reference'])
    .execute();
  await tables.index('cache_entries', ['upstream_id', 'repository', 'digest']).execute();
  await tables.index('cache_entries', ['upstream_id', 'id']).execute();
  await tables.index('cache_entries', ['digest']).execute();
  await tables.index('cache_entries', ['used_at', 'id']).execute();
  await tables.index('cache_entries', ['group_id', 'used_at', 'id']).execute();

  await tables
    .table('cached_blobs')
    .addColumn('scope', integer, required)
    .addColumn('digest', text, required)
    .addColumn('size', integer, required)
    .addColumn('entries', integer, required)
    .addPrimaryKeyConstraint('cached_blobs_key', ['scope', 'digest'])
    .execute();

  await tables
    .table('cache_size_changes')
    .addColumn('id', integer, id)
    .addColumn('scope', integer, required)
    .addColumn('bytes', integer, required)
    .execute();
  await tables.index('cache_size_changes', ['scope']).execute();

  for (const statement of counting[tables.types.dialect]) await tables.run(statement);

  await tables
    .table('cache_reservations')
    .addColumn('id', integer, id)
    .addColumn('scope', integer, required)
    .addColumn('bytes', integer, required)
    .addColumn('expires_at', integer, required)
    .execute();
  await tables.index('cache_reservations', ['scope']).execute();
}

/**
 * Triggers that count what entries link: they see what goes by a foreign key, too, with its upstream or its group. Each changes the
 * rows of a blob in the same order, so that two never wait for each other.
 */
const counting = {
  sqlite: [
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
  ],
  postgres: [
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
  ],
};
