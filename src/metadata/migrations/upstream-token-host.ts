/** Where an upstream's token service may be, besides on its own domain. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from './tables.ts';

export function upstreamTokenHost({ text }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('upstreams').addColumn('token_host', text).execute();
    },
  };
}
