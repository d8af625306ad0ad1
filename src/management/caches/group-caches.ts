/** What a top-level group has cached: how much, how well it serves, and how much it may be. */
import type { PullCounts } from '../../metadata/cached/cache-pulls.ts';
import type { GroupCache } from '../../metadata/cached/group-caches.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { runChange } from '../acting/changes.ts';
import { Rights } from '../acting/rights.ts';

export interface GroupCacheState extends GroupCache, PullCounts {
  readonly groupId: number;
  /** The size of its blobs, each counted once. */
  readonly bytes: number;
  readonly entries: number;
  /** How many of the bytes are of pinned images. */
  readonly pinnedBytes: number;
}

/** Which entries are pinned. */
export type FindPinnedBytes = (groupId: number) => Promise<number>;

export interface GroupCacheServiceOptions {
  readonly database: Database;
  readonly findPinnedBytes: FindPinnedBytes;
}

/** Hits and misses are those of so many days. */
export const countedDays = 7;

export class GroupCacheService {
  readonly #database: Database;
  readonly #findPinnedBytes: FindPinnedBytes;
  readonly #rights = new Rights();

  constructor({ database, findPinnedBytes }: GroupCacheServiceOptions) {
    this.#database = database;
    this.#findPinnedBytes = findPinnedBytes;
  }

  /** @throws RefusedError not-found, forbidden (also for a subgroup) */
  async get(actor: Actor, groupReference: string): Promise<GroupCacheState> {
    const { id } = await this.#rights.getTopLevelGroup(
      this.#database,
      actor,
      groupReference,
      'read',
      'forbidden',
    );
    return this.#read(this.#database, id);
  }

  /** For Owners. @param maxBytes undefined: no limit of its own. @throws RefusedError not-found, forbidden */
  async setLimit(
    actor: Actor,
    groupReference: string,
    maxBytes: number | undefined,
  ): Promise<GroupCacheState> {
    const groupId = await runChange(this.#database, async (tx) => {
      const group = await this.#rights.getTopLevelGroup(tx, actor, groupReference, 'own', 'forbidden');
      await tx.groupCaches.setMaxBytes(group.id, maxBytes);
      await recordChange(tx, actor, {
        action: 'virtual_registry_cache.update',
        targetId: group.id,
        details: { maxBytes: maxBytes ?? null },
        groupPath: group.fullPath,
      });
      return group.id;
    });
    return this.#read(this.#database, groupId);
  }

  async #read(records: Records, groupId: number): Promise<GroupCacheState> {
    const { groupCaches, cacheSizes, cacheContents, cachePulls } = records;
    return {
      groupId,
      ...(await groupCaches.find(groupId)),
      ...(await cachePulls.sum(groupId, countedDays)),
      bytes: await cacheSizes.bytesOf(groupId),
      entries: await cacheContents.count(groupId),
      pinnedBytes: await this.#findPinnedBytes(groupId),
    };
  }
}
