/** Namespaces of users, which are groups, and virtual registries that are turned off for a group. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, required } from './tables.ts';

export function groupOwners({ integer }: ColumnTypes): Migration {
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
    },
  };
}
