/** What names of images lose and get on their way to an upstream. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from './tables.ts';

export function upstreamPrefixes({ text }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('upstreams').addColumn('strip_prefix', text).execute();
      await db.schema.alterTable('upstreams').addColumn('add_prefix', text).execute();
    },
  };
}
