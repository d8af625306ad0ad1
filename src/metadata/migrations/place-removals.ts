/** Groups and projects that are removed in parts. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, ownerIfAny, required, Tables } from './tables.ts';

export function placeRemovals(types: ColumnTypes): Migration {
  const { integer, text } = types;
  return {
    async up(db: Kysely<unknown>) {
      await new Tables(db, types)
        .table('place_removals')
        .addColumn('group_id', integer, ownerIfAny('groups.id'))
        .addColumn('project_id', integer, ownerIfAny('projects.id'))
        .addColumn('actor_name', text, required)
        .addUniqueConstraint('place_removals_group_id', ['group_id'])
        .addUniqueConstraint('place_removals_project_id', ['project_id'])
        .execute();
    },
  };
}
