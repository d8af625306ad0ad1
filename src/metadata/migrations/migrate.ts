/**
 * Brings the tables up to date: all missing migrations in one transaction, which two processes cannot run at the same time. The tables
 * are those of the first migration, in the order in which they refer to each other; what a release has made is changed by a migration of
 * its own.
 */
import type { Kysely } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { cacheEntryOrders } from './cache-entry-orders.ts';
import { fillLeases } from './fill-leases.ts';
import { createCached } from './first-tables/cached.ts';
import { createCollector } from './first-tables/collector.ts';
import { createContent } from './first-tables/content.ts';
import { createHosted } from './first-tables/hosted.ts';
import { createNamespaces } from './first-tables/namespaces.ts';
import { createPeople } from './first-tables/people.ts';
import { createRegistries } from './first-tables/registries.ts';
import { createRetention } from './first-tables/retention.ts';
import { createServer } from './first-tables/server.ts';
import { createTagRules } from './first-tables/tag-rules.ts';
import { createTokens } from './first-tables/tokens.ts';
import { createWebhooks } from './first-tables/webhooks.ts';
import { indexLists } from './lists.ts';
import { objectWrites } from './object-writes.ts';
import { pieceNumbers } from './piece-numbers.ts';
import { placeRemovals } from './place-removals.ts';
import { placeRules } from './place-rules.ts';
import { prewarms } from './prewarms.ts';
import { processes } from './processes.ts';
import { quarantine } from './quarantine.ts';
import { replication } from './replication.ts';
import { sharedBeliefs } from './shared-beliefs.ts';
import { signatures } from './signatures.ts';
import { storedBlobs } from './stored-blobs.ts';
import { type ColumnTypes, Tables } from './tables.ts';
import { tagPublishers } from './tag-publishers.ts';
import { traffic } from './traffic.ts';
import { upstreamIdentities } from './upstream-identities.ts';
import { upstreamNetworks } from './upstream-networks.ts';
import { upstreamPrefixes } from './upstream-prefixes.ts';
import { upstreamTokenHost } from './upstream-token-host.ts';

function firstTables(types: ColumnTypes): Migration {
  return {
    async up(db: Kysely<unknown>) {
      const tables = new Tables(db, types);
      await createNamespaces(tables);
      await createPeople(tables);
      await createTokens(tables);
      await createRegistries(tables);
      await createContent(tables);
      await createCached(tables);
      await createRetention(tables);
      await createHosted(tables);
      await createTagRules(tables);
      await createCollector(tables);
      await createWebhooks(tables);
      await createServer(tables);
    },
  };
}

function listIndexes(types: ColumnTypes): Migration {
  return { up: (db: Kysely<unknown>) => indexLists(new Tables(db, types)) };
}

/**
 * The names of the migrations that were missing.
 * @throws Error when one fails, or when another version of this program has migrated the database in a way that this one does not know:
 * it is left as it was then
 */
export async function migrateToLatest<T>(db: Kysely<T>, types: ColumnTypes): Promise<string[]> {
  const migrator = migratorOf(db, types);
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw new Error(sentenceOf(error), { cause: error });
  return results.map((result) => result.migrationName);
}

/** The names of the migrations that are missing. Nothing is changed. */
export async function listMissing<T>(db: Kysely<T>, types: ColumnTypes): Promise<string[]> {
  const all = await migratorOf(db, types).getMigrations();
  return all.flatMap(({ name, executedAt }) => (executedAt === undefined ? [name] : []));
}

function migratorOf<T>(db: Kysely<T>, types: ColumnTypes): Migrator {
  const migrations = {
    '0001-first-tables': firstTables(types),
    '0002-upstream-prefixes': upstreamPrefixes(types),
    '0003-upstream-networks': upstreamNetworks(types),
    '0004-upstream-token-host': upstreamTokenHost(types),
    '0005-lists': listIndexes(types),
    '0006-processes': processes(types),
    '0007-tag-publishers': tagPublishers(types),
    '0008-fill-leases': fillLeases(types),
    '0009-object-writes': objectWrites(types),
    '0010-shared-beliefs': sharedBeliefs(types),
    '0011-traffic': traffic(types),
    '0012-cache-entry-orders': cacheEntryOrders(types),
    '0013-stored-blobs': storedBlobs(types),
    '0014-place-removals': placeRemovals(types),
    '0015-place-rules': placeRules(types),
    '0016-prewarms': prewarms(types),
    '0017-piece-numbers': pieceNumbers(types),
    '0019-replication': replication(types),
    '0022-upstream-identities': upstreamIdentities(types),
    '0023-quarantine': quarantine(types),
    '0024-signatures': signatures(types),
  };
  return new Migrator({ db, provider: { getMigrations: async () => migrations } });
}

function sentenceOf(error: unknown): string {
  const isUnknown = error instanceof Error && error.message.startsWith('corrupted migrations');
  return isUnknown
    ? 'the database was made by another version of this program, with migrations that this one does not know; it was left as it is'
    : 'the database could not be migrated';
}
