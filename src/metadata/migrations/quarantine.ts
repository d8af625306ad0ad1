/** How old images of an upstream have to be, and when it was first seen which image a tag named there. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted, owner, required, Tables } from './tables.ts';

export function quarantine(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      const upstreams = () => db.schema.alterTable('upstreams');
      await upstreams().addColumn('min_age_hours', integer, counted).execute();
      await upstreams().addColumn('min_age_exempt_patterns', text, none).execute();
      await upstreams().addColumn('min_age_exempt_digests', integer, counted).execute();
      await upstreams().addColumn('min_age_trust_created', integer, counted).execute();
      await tables
        .table('tag_sightings')
        .addColumn('upstream_id', integer, owner('upstreams.id'))
        .addColumn('repository', text, required)
        .addColumn('tag', text, required)
        .addColumn('digest', text, required)
        .addColumn('seen_at', integer, required)
        .addPrimaryKeyConstraint('tag_sightings_key', ['upstream_id', 'repository', 'tag', 'digest'])
        .execute();
      await tables.index('tag_sightings', ['upstream_id', 'repository', 'digest']).execute();
      // What is cached was there when it was last written, at the latest. Digests have a colon, tags never.
      await tables.run(`
        insert into tag_sightings (upstream_id, repository, tag, digest, seen_at)
        select upstream_id, repository, reference, digest, updated_at from cache_entries
        where kind = 'manifest' and reference not like '%:%'`);
    },
  };
}

function none(column: ColumnDefinitionBuilder): ColumnDefinitionBuilder {
  return column.notNull().defaultTo('[]');
}
