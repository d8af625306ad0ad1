/** What each top-level group wants to be forgotten of its cache for age, and how that went. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';

/** primary key groupId */
export interface CacheRetentionPolicyTable {
  groupId: number;
  enabled: boolean;
  cadenceDays: number;
  keepDays: number;
  notifyOnSuccess: boolean;
  notifyOnFailure: boolean;
  status: 'scheduled' | 'running' | 'failed';
  failureMessage: Optional<string>;
  nextRunAt: number;
  /** When the last run that came to its end began; undefined: there was none. */
  lastRunAt: Optional<number>;
  lastDeletedEntries: Generated<number>;
  lastDeletedBytes: Generated<number>;
  /** When the run began that goes on or was broken off, and, below, what it has removed so far. */
  runStartedAt: Optional<number>;
  runDeletedEntries: Generated<number>;
  runDeletedBytes: Generated<number>;
  createdAt: number;
  updatedAt: number;
}

export type CacheRetentionPolicy = RecordOf<CacheRetentionPolicyTable>;

export type CacheRetentionSettings = Pick<
  CacheRetentionPolicy,
  'enabled' | 'cadenceDays' | 'keepDays' | 'notifyOnSuccess' | 'notifyOnFailure'
>;

export class CacheRetentionPolicies {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  find(groupId: number): Promise<CacheRetentionPolicy | undefined> {
    return this.#db
      .selectFrom('cacheRetentionPolicies')
      .selectAll()
      .where('groupId', '=', groupId)
      .executeTakeFirst();
  }

  /** Policies whose run was broken off come first, then those that are due, the longest due first. */
  listDue(limit: number): Promise<readonly CacheRetentionPolicy[]> {
    return this.#db
      .selectFrom('cacheRetentionPolicies')
      .selectAll()
      .where('enabled', '=', true)
      .where((eb) => eb.or([eb('status', '=', 'running'), eb('nextRunAt', '<=', this.#now())]))
      .orderBy((eb) => eb.case().when('status', '=', 'running').then(0).else(1).end())
      .orderBy('nextRunAt')
      .limit(limit)
      .execute();
  }

  /** @throws UniqueViolation cache_retention_policies_group_id, MissingOwner */
  create(
    groupId: number,
    settings: CacheRetentionSettings,
    nextRunAt: number,
  ): Promise<CacheRetentionPolicy> {
    const now = this.#now();
    return this.#db
      .insertInto('cacheRetentionPolicies')
      .values({
        groupId,
        ...settings,
        status: 'scheduled',
        nextRunAt,
        createdAt: now,
        updatedAt: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined where the group has none. @param nextRunAt undefined: as it was */
  update(
    groupId: number,
    settings: CacheRetentionSettings,
    nextRunAt: number | undefined,
  ): Promise<CacheRetentionPolicy | undefined> {
    return this.#db
      .updateTable('cacheRetentionPolicies')
      .set({ ...settings, nextRunAt, updatedAt: this.#now() })
      .where('groupId', '=', groupId)
      .returningAll()
      .executeTakeFirst();
  }

  /** False where the group has none. */
  async remove(groupId: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('cacheRetentionPolicies')
      .where('groupId', '=', groupId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** A run begins, or goes on where it was broken off. Undefined where the policy is gone or was turned off. */
  begin(groupId: number): Promise<CacheRetentionPolicy | undefined> {
    const now = this.#now();
    return this.#db
      .updateTable('cacheRetentionPolicies')
      .set({ status: 'running', runStartedAt: sql<number>`coalesce(run_started_at, ${now})` })
      .where('groupId', '=', groupId)
      .where('enabled', '=', true)
      .returningAll()
      .executeTakeFirst();
  }

  /** Counts what the run that goes on removes, in the transaction that removes it. False where the policy is gone or was turned off. */
  async addDeleted(groupId: number, entries: number, bytes: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cacheRetentionPolicies')
      .set((eb) => ({
        runDeletedEntries: eb('runDeletedEntries', '+', entries),
        runDeletedBytes: eb('runDeletedBytes', '+', bytes),
      }))
      .where('groupId', '=', groupId)
      .where('enabled', '=', true)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** The run is over. @param failure why; undefined: it did all */
  end(
    groupId: number,
    nextRunAt: number,
    failure: string | undefined,
  ): Promise<CacheRetentionPolicy | undefined> {
    return this.#db
      .updateTable('cacheRetentionPolicies')
      .set((eb) => ({
        status: failure === undefined ? 'scheduled' : 'failed',
        failureMessage: failure ?? null,
        nextRunAt,
        lastRunAt: eb.ref('runStartedAt'),
        lastDeletedEntries: eb.ref('runDeletedEntries'),
        lastDeletedBytes: eb.ref('runDeletedBytes'),
        runStartedAt: null,
        runDeletedEntries: 0,
        runDeletedBytes: 0,
      }))
      .where('groupId', '=', groupId)
      .returningAll()
      .executeTakeFirst();
  }
}
