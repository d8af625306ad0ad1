/** Who pushed each tag last. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from './tables.ts';

export function tagPublishers({ text }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('tags').addColumn('published_by', text).execute();
    },
  };
}
