/** Brings the tables up to date: all missing migrations in one transaction, which two processes cannot run at the same time. */
import type { Kysely } from 'kysely';
import { Migrator } from 'kysely/migration';
import { foundations } from '../migrations/0001-foundations.ts';
import { hosted } from '../migrations/0002-hosted.ts';
import { access } from '../migrations/0003-access.ts';
import { jobs } from '../migrations/0004-jobs.ts';
import { protection } from '../migrations/0005-protection.ts';
import { repositoryManagement } from '../migrations/0006-repository-management.ts';
import { renames } from '../migrations/0007-renames.ts';
import { imageFacts } from '../migrations/0008-image-facts.ts';
import { webhooks } from '../migrations/0009-webhooks.ts';
import { collector } from '../migrations/0010-collector.ts';
import { cacheRetention } from '../migrations/0011-cache-retention.ts';
import { cleanupPolicies } from '../migrations/0013-cleanup-policies.ts';
import { scrub } from '../migrations/0014-scrub.ts';
import { cleanupRequests } from '../migrations/0015-cleanup-requests.ts';
import type { ColumnTypes } from './column-types.ts';
import type { Tables } from './schema.ts';

/**
 * The names of the migrations that were missing.
 * @throws Error when one fails, or when a newer version of this program has migrated the database
 */
export async function migrateToLatest(db: Kysely<Tables>, types: ColumnTypes): Promise<string[]> {
  const migrations = {
    '0001-foundations': foundations(types),
    '0002-hosted': hosted(types),
    '0003-access': access(types),
    '0004-jobs': jobs(types),
    '0005-protection': protection(types),
    '0006-repository-management': repositoryManagement(types),
    '0007-renames': renames(types),
    '0008-image-facts': imageFacts(types),
    '0009-webhooks': webhooks(types),
    '0010-collector': collector(types),
    '0011-cache-retention': cacheRetention(types),
    '0013-cleanup-policies': cleanupPolicies(types),
    '0014-scrub': scrub(types),
    '0015-cleanup-requests': cleanupRequests(types),
  };
  const migrator = new Migrator({ db, provider: { getMigrations: async () => migrations } });
  const { error, results = [] } = await migrator.migrateToLatest();
  if (error !== undefined) throw new Error('the database could not be migrated', { cause: error });
  return results.map((result) => result.migrationName);
}
