/** What manifests and their configs say of images, once for each manifest; of those that are here already when it is asked for. */
import type { ColumnDefinitionBuilder, Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import type { ColumnTypes } from '../db/column-types.ts';

export function imageFacts({ integer, text, tableEnd }: ColumnTypes): Migration {
  const required = (column: ColumnDefinitionBuilder) => column.notNull();
  return {
    async up(db: Kysely<unknown>) {
      await db.schema
        .createTable('image_facts')
        .modifyEnd(tableEnd)
        .addColumn('digest', text, (column) =>
          column.primaryKey().notNull().references('manifests.digest').onDelete('cascade'),
        )
        .addColumn('kind', text, required)
        .addColumn('artifact_type', text)
        .addColumn('config_digest', text)
        .addColumn('config_media_type', text)
        .addColumn('config_size', integer)
        .addColumn('config_state', text, required)
        .addColumn('total_size', integer)
        .addColumn('image_created_at', integer)
        .addColumn('os', text)
        .addColumn('architecture', text)
        .addColumn('variant', text)
        .addColumn('manifest_details', text, required)
        .addColumn('config_details', text, required)
        .execute();
    },
  };
}
