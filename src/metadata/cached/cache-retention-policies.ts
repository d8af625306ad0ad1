/** What each top-level group wants to be forgotten of its cache for age, and how that went. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Tables } from '../db/schema.ts';

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
      .selectFrom('cache_retention_policies')
      .selectAll()
      .where('group_id', '=', groupId)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Those that were broken off first, then those that are due, the longest due first. */
  async listDue(limit: number): Promise<readonly CacheRetentionPolicy[]> {
    const rows = await this.#db
      .selectFrom('cache_retention_policies')
      .selectAll()
      .where('enabled', '=', 1)
      .where((eb) => eb.or([eb('status', '=', 'running'), eb('next_run_at', '<=', this.#now())]))
      .orderBy((eb) => eb.case().when('status', '=', 'running').then(0).else(1).end())
      .orderBy('next_run_at')
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
      .insertInto('cache_retention_policies')
      .values({
        group_id: groupId,
        ...columnsOf(settings),
        status: 'scheduled',
        failure_message: null,
        next_run_at: nextRunAt,
        last_run_at: null,
        last_deleted_entries: 0,
        last_deleted_bytes: 0,
        run_started_at: null,
        run_deleted_entries: 0,
        run_deleted_bytes: 0,
        created_at: now,
        updated_at: now,
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
      .updateTable('cache_retention_policies')
      .set({ ...columnsOf(settings), next_run_at: nextRunAt, updated_at: this.#now() })
      .where('group_id', '=', groupId)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** False where the group has none. */
  async remove(groupId: number): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('cache_retention_policies')
      .where('group_id', '=', groupId)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** A run begins, or goes on where it was broken off. Undefined where the policy is gone or was turned off. */
  async begin(groupId: number): Promise<CacheRetentionPolicy | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('cache_retention_policies')
      .set({ status: 'running', run_started_at: sql<number>`coalesce(run_started_at, ${now})` })
      .where('group_id', '=', groupId)
      .where('enabled', '=', 1)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Of the run that goes on: part of the transaction that removes them. False where the policy is gone or was turned off. */
  async addDeleted(groupId: number, entries: number, bytes: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('cache_retention_policies')
      .set((eb) => ({
        run_deleted_entries: eb('run_deleted_entries', '+', entries),
        run_deleted_bytes: eb('run_deleted_bytes', '+', bytes),
      }))
      .where('group_id', '=', groupId)
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
      .updateTable('cache_retention_policies')
      .set((eb) => ({
        status: failure === undefined ? 'scheduled' : 'failed',
        failure_message: failure ?? null,
        next_run_at: nextRunAt,
        last_run_at: eb.ref('run_started_at'),
        last_deleted_entries: eb.ref('run_deleted_entries'),
        last_deleted_bytes: eb.ref('run_deleted_bytes'),
        run_started_at: null,
        run_deleted_entries: 0,
        run_deleted_bytes: 0,
      }))
      .where('group_id', '=', groupId)
      .returningAll()
      .executeTakeFirst();
    return row && fromRow(row);
  }
}

function columnsOf(settings: CacheRetentionSettings) {
  return {
    enabled: Number(settings.enabled),
    cadence_days: settings.cadenceDays,
    keep_days: settings.keepDays,
    notify_on_success: Number(settings.notifyOnSuccess),
    notify_on_failure: Number(settings.notifyOnFailure),
  };
}

function fromRow(row: Selectable<Tables['cache_retention_policies']>): CacheRetentionPolicy {
  return {
    groupId: row.group_id,
    enabled: row.enabled === 1,
    cadenceDays: row.cadence_days,
    keepDays: row.keep_days,
    notifyOnSuccess: row.notify_on_success === 1,
    notifyOnFailure: row.notify_on_failure === 1,
    status: row.status,
    failureMessage: row.failure_message ?? undefined,
    nextRunAt: row.next_run_at,
    lastRunAt: row.last_run_at ?? undefined,
    lastDeletedEntries: row.last_deleted_entries,
    lastDeletedBytes: row.last_deleted_bytes,
    runStartedAt: row.run_started_at ?? undefined,
    createdAt: row.created_at,
    updatedAt: row.updated_at,
  };
}
