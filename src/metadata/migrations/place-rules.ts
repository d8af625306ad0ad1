/** What groups and projects say of themselves: whose namespace a group is, whether its virtual registries are on, and what more a cleanup goes by. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, required } from './tables.ts';

export function placeRules({ integer, text }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .alterTable('groups')
        .addColumn('virtual_registries_enabled', integer, (column) => required(column).defaultTo(1))
        .execute();
      // Where there is much in it, it is removed after its user.
      await db.schema
        .alterTable('groups')
        .addColumn('user_id', integer, (column) => column.references('users.id').onDelete('set null'))
        .execute();
      await db.schema.createIndex('groups_user_id').unique().on('groups').column('user_id').execute();
      await db.schema.alterTable('cleanup_policies').addColumn('not_pulled_for', text).execute();
      await db.schema.alterTable('cleanup_policies').addColumn('repository_regex', text).execute();
    },
  };
}
