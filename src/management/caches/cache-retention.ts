/** What a top-level group wants to be forgotten of its cache for age. */
import type {
  CacheRetentionPolicy,
  CacheRetentionSettings,
} from '../../metadata/cached/cache-retention-policies.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

/** What is undefined stays as it is, or takes its default. */
export type CacheRetentionInput = {
  readonly [K in keyof CacheRetentionSettings]?: CacheRetentionSettings[K] | undefined;
};

export interface CacheRetentionServiceOptions {
  readonly database: Database;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

const dayMs = 24 * 60 * 60 * 1000;

const defaults: CacheRetentionSettings = {
  enabled: false,
  cadenceDays: 7,
  keepDays: 30,
  notifyOnSuccess: false,
  notifyOnFailure: false,
};

export class CacheRetentionService {
  readonly #database: Database;
  readonly #now: () => number;
  readonly #rights = new Rights();

  constructor({ database, now }: CacheRetentionServiceOptions) {
    this.#database = database;
    this.#now = now;
  }

  /** Owners alone may do any of this. @throws RefusedError not-found, forbidden (also for a subgroup) */
  async get(actor: Actor, groupReference: string): Promise<CacheRetentionPolicy> {
    const { id } = await this.#rights.getTopLevelGroup(
      this.#database,
      actor,
      groupReference,
      'own',
      'forbidden',
    );
    return found(await this.#database.cacheRetention.find(id));
  }

  /** The first run is a cadence from now. @throws RefusedError not-found, forbidden, invalid where there is one */
  async create(
    actor: Actor,
    groupReference: string,
    input: CacheRetentionInput,
  ): Promise<CacheRetentionPolicy> {
    return runChange(this.#database, async (tx) => {
      const group = await this.#rights.getTopLevelGroup(tx, actor, groupReference, 'own', 'forbidden');
      const settings = settingsOf(defaults, input);
      const policy = await tx.cacheRetention.create(group.id, settings, this.#nextRunAt(settings));
      await recordChange(tx, actor, {
        action: 'cache_cleanup_policy.create',
        targetId: group.id,
        details: detailsOf(settings),
        groupPath: group.fullPath,
      });
      return policy;
    });
  }

  /** A policy that is turned on, or gets another cadence, runs a cadence from now. @throws RefusedError not-found, forbidden */
  async update(
    actor: Actor,
    groupReference: string,
    input: CacheRetentionInput,
  ): Promise<CacheRetentionPolicy> {
    return runChange(this.#database, async (tx) => {
      const group = await this.#rights.getTopLevelGroup(tx, actor, groupReference, 'own', 'forbidden');
      const before = found(await tx.cacheRetention.find(group.id));
      const settings = settingsOf(before, input);
      const isRescheduled =
        settings.cadenceDays !== before.cadenceDays || (settings.enabled && !before.enabled);
      const policy = await tx.cacheRetention.update(
        group.id,
        settings,
        isRescheduled ? this.#nextRunAt(settings) : undefined,
      );
      await recordChange(tx, actor, {
        action: 'cache_cleanup_policy.update',
        targetId: group.id,
        details: detailsOf(input),
        groupPath: group.fullPath,
      });
      return found(policy);
    });
  }

  /** @throws RefusedError not-found, forbidden */
  async remove(actor: Actor, groupReference: string): Promise<void> {
    await runChange(this.#database, async (tx) => {
      const group = await this.#rights.getTopLevelGroup(tx, actor, groupReference, 'own', 'forbidden');
      if (!(await tx.cacheRetention.remove(group.id))) throw new RefusedError('not-found');
      await recordChange(tx, actor, {
        action: 'cache_cleanup_policy.delete',
        targetId: group.id,
        details: {},
        groupPath: group.fullPath,
      });
    });
  }

  #nextRunAt({ cadenceDays }: CacheRetentionSettings): number {
    return this.#now() + cadenceDays * dayMs;
  }
}

function settingsOf(before: CacheRetentionSettings, input: CacheRetentionInput): CacheRetentionSettings {
  return {
    enabled: input.enabled ?? before.enabled,
    cadenceDays: input.cadenceDays ?? before.cadenceDays,
    keepDays: input.keepDays ?? before.keepDays,
    notifyOnSuccess: input.notifyOnSuccess ?? before.notifyOnSuccess,
    notifyOnFailure: input.notifyOnFailure ?? before.notifyOnFailure,
  };
}

function detailsOf(input: CacheRetentionInput): Readonly<Record<string, unknown>> {
  return {
    enabled: input.enabled,
    cadence: input.cadenceDays,
    keepNDaysAfterDownload: input.keepDays,
    notifyOnSuccess: input.notifyOnSuccess,
    notifyOnFailure: input.notifyOnFailure,
  };
}

function found(policy: CacheRetentionPolicy | undefined): CacheRetentionPolicy {
  if (!policy) throw new RefusedError('not-found');
  return policy;
}
