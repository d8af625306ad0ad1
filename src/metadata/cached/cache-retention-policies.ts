/** What each top-level group wants to be forgotten of its cache for age, and how that went. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Tables } from '../db/tables.ts';

export interface CacheRetentionSettings {
  readonly enabled: boolean;
  readonly cadenceDays: number;
  readonly keepDays: number;
  readonly notifyOnSuccess: boolean;
  readonly notifyOnFailure: boolean;
}

export interface CacheRetentionPolicy extends CacheRetentionSettings {
  readonly groupId: number;
  readonly status: 'scheduled' | 'running' | 'failed';
  readonly failureMessage: string | undefined;
  /** Epoch milliseconds, as all instants here. */
  readonly nextRunAt: number;
  /** When the last run that came to its end began; undefined: there was none. */
  readonly lastRunAt: number | undefined;
  readonly lastDeletedEntries: number;
  readonly lastDeletedBytes: number;
  /** Of the run that goes on, or was broken off. */
  readonly runStartedAt: number | undefined;
  readonly createdAt: number;
  readonly updatedAt: number;
}

export class CacheRetentionPolicies {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  async find(groupId: number): Promise<CacheRetentionPolicy | undefined> {
    const row = await this.#db
      .selectFrom('cacheRetentionPolicies')
      .selectAll()
      .where('groupId', '=', groupId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Those that were broken off first, then those that are due, the longest due first. */
  async listDue(limit: number): Promise<readonly CacheRetentionPolicy[]> {
    const rows = await this.#db
      .selectFrom('cacheRetentionPolicies')
      .selectAll()
      .where('enabled', '=', 1)
      .where((eb) => eb.or([eb('status', '=', 'running'), eb('nextRunAt', '<=', this.#now())]))
      .orderBy((eb) => eb.case().when('status', '=', 'running').then(0).else(1).end())
      .orderBy('nextRunAt')
      .limit(limit)
      .execute();
    return rows.map(fromRow);
  }

  /** @throws UniqueViolation cache_retention_policies_group_id, MissingOwner */
  async create(
    groupId: number,
    settings: CacheRetentionSettings,
    nextRunAt: number,
  ): Promise<CacheRetentionPolicy> {
    const now = this.#now();
    const row = await this.#db
      .insertInto('cacheRetentionPolicies')
      .values({
        groupId,
        ...columnsOf(settings),
        status: 'scheduled',
        failureMessage: null,
        nextRunAt,
        lastRunAt: null,
        lastDeletedEntries: 0,
        lastDeletedBytes: 0,
        runStartedAt: null,
        runDeletedEntries: 0,
        runDeletedBytes: 0,
        createdAt: now,
        updatedAt: now,
      })
      .returningAll()
      .executeTakeFirstOrThrow();
    return fromRow(row);
  }

  /** Undefined where the group has none. @param nextRunAt undefined: as it was */
  async update(
    groupId: number,
    settings: CacheRetentionSettings,
    nextRunAt: number | undefined,
  ): Promise<CacheRetentionPolicy | undefined> {
    const row = await this.#db
      .updateTable('cacheRetentionPolicies')
      .set({ ...columnsOf(settings), nextRunAt, updatedAt: this.#now() })
      .where('groupId', '=', groupId)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
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
  async begin(groupId: number): Promise<CacheRetentionPolicy | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('cacheRetentionPolicies')
      .set({ status: 'running', runStartedAt: sql<number>`coalesce(run_started_at, ${now})` })
      .where('groupId', '=', groupId)
      .where('enabled', '=', 1)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Of the run that goes on: part of the transaction that removes them. False where the policy is gone or was turned off. */
  async addDeleted(groupId: number, entries: number, bytes: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cacheRetentionPolicies')
      .set((eb) => ({
        runDeletedEntries: eb('runDeletedEntries', '+', entries),
        runDeletedBytes: eb('runDeletedBytes', '+', bytes),
      }))
      .where('groupId', '=', groupId)
      .where('enabled', '=', 1)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** The run is over. @param failure why; undefined: it did all */
  async end(
    groupId: number,
    nextRunAt: number,
    failure: string | undefined,
  ): Promise<CacheRetentionPolicy | undefined> {
    const row = await this.#db
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
    return row && fromRow(row);
  }
}

function columnsOf(settings: CacheRetentionSettings) {
  return {
    enabled: Number(settings.enabled),
    cadenceDays: settings.cadenceDays,
    keepDays: settings.keepDays,
    notifyOnSuccess: Number(settings.notifyOnSuccess),
    notifyOnFailure: Number(settings.notifyOnFailure),
  };
}

function fromRow(row: Selectable<Tables['cacheRetentionPolicies']>): CacheRetentionPolicy {
  return {
    groupId: row.groupId,
    enabled: row.enabled === 1,
    cadenceDays: row.cadenceDays,
    keepDays: row.keepDays,
    notifyOnSuccess: row.notifyOnSuccess === 1,
    notifyOnFailure: row.notifyOnFailure === 1,
    status: row.status,
    failureMessage: row.failureMessage ?? undefined,
    nextRunAt: row.nextRunAt,
    lastRunAt: row.lastRunAt ?? undefined,
    lastDeletedEntries: row.lastDeletedEntries,
    lastDeletedBytes: row.lastDeletedBytes,
    runStartedAt: row.runStartedAt ?? undefined,
    createdAt: row.createdAt,
    updatedAt: row.updatedAt,
  };
}
