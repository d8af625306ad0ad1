/** Who logs in to an upstream, where that is a robot of Harbor or an identity of a cloud. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from './tables.ts';

export function upstreamIdentities({ text }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('upstreams').addColumn('identity', text).execute();
    },
  };
}
