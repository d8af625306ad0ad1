/** What the entries of an upstream are listed by, beside their age. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, Tables } from './tables.ts';

export function cacheEntryOrders(types: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      const pulled = await tables.addOrder('cache_entries', 'downloaded_at');
      await tables.index('cache_entries', ['upstream_id', 'size', 'id']).execute();
      await tables.index('cache_entries', ['upstream_id', pulled, 'id']).execute();
    },
  };
}
