/** Images that are fetched into caches before anybody asks for them, and how far that is. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted, owner, required, Tables } from './tables.ts';

export function prewarms(types: ColumnTypes): Migration {
  const { integer, text, id } = types;
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await tables
        .table('prewarms')
        .addColumn('id', integer, id)
        .addColumn('registry_id', integer, owner('virtual_registries.id'))
        .addColumn('platforms', text, required)
        .addColumn('every_hours', integer)
        .addColumn('created_at', integer, required)
        .addColumn('started_at', integer, required)
        .addColumn('next_run_at', integer)
        .execute();
      await tables.index('prewarms', ['registry_id']).execute();
      await tables.index('prewarms', ['next_run_at']).execute();
      await tables
        .table('prewarm_images')
        .addColumn('id', integer, id)
        .addColumn('prewarm_id', integer, owner('prewarms.id'))
        .addColumn('image', text, required)
        .addColumn('due_at', integer)
        .addColumn('tries', integer, counted)
        .addColumn('reason', text)
        .addColumn('bytes', integer, counted)
        .addColumn('ended_at', integer)
        .execute();
      await tables.index('prewarm_images', ['prewarm_id']).execute();
      await tables.index('prewarm_images', ['due_at']).execute();
    },
  };
}
