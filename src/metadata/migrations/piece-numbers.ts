/** Pieces of uploads into buckets have numbers of their own: clouds allow few numbers of parts. */
import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, counted } from './tables.ts';

export function pieceNumbers({ integer }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      await db.schema.alterTable('object_writes').addColumn('piece_number', integer, counted).execute();
      // So far both were of one count.
      await sql`update object_writes set piece_number = number`.execute(db);
    },
  };
}
