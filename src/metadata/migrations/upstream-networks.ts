/** How upstreams are connected to: proxies, certificates and headers of their own. */
import type { Kysely } from 'kysely';
import type { Migration } from 'kysely/migration';
import { type ColumnTypes, required } from './tables.ts';

export function upstreamNetworks({ text, integer }: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const add = (column: string) => db.schema.alterTable('upstreams').addColumn(column, text).execute();
      await add('proxy');
      await add('ca_certificate');
      await add('client_certificate');
      await add('network_sealed');
      await db.schema
        .alterTable('upstreams')
        .addColumn('tls_verify', integer, (column) => required(column).defaultTo(1))
        .execute();
      await db.schema
        .alterTable('upstreams')
        .addColumn('header_names', text, (column) => required(column).defaultTo('[]'))
        .execute();
    },
  };
}
