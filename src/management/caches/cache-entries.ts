/** What is cached of an upstream, to look through and to forget one by one. */
import type { ListedCacheEntry } from '../../metadata/cached/cache-contents.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Page, Paged } from '../../metadata/db/page.ts';
import type { Actor } from '../acting/actor.ts';
import { recordChange } from '../acting/audit.ts';
import { Changes } from '../acting/changes.ts';
import { demandUnmodified } from '../acting/preconditions.ts';
import type { PullCaches } from '../acting/pull-caches.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { Rights } from '../acting/rights.ts';

export interface CacheEntryServiceOptions {
  readonly database: Database;
  readonly caches: PullCaches;
}

export class CacheEntryService {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #rights = new Rights();

  constructor({ database, caches }: CacheEntryServiceOptions) {
    this.#database = database;
    this.#changes = new Changes(database, caches);
  }

  /** Newest first. @param search part of the path. @throws RefusedError not-found, forbidden */
  async list(
    actor: Actor,
    upstreamId: number,
    search: string | undefined,
    page: Page,
  ): Promise<Paged<ListedCacheEntry>> {
    await this.#rights.getUpstream(this.#database, actor, upstreamId, 'read');
    return this.#database.cacheContents.list(upstreamId, search, page);
  }

  /** The bytes go when nothing else links them. @throws RefusedError not-found, forbidden, precondition-failed */
  async remove(actor: Actor, id: number, unmodifiedSince: number | undefined): Promise<void> {
    await this.#changes.run(async (tx) => {
      const entry = await tx.cacheContents.find(id);
      if (!entry) throw new RefusedError('not-found');
      const { groupPath } = await this.#rights.getUpstream(tx, actor, entry.upstreamId, 'write');
      demandUnmodified(entry, unmodifiedSince);
      await tx.cacheEntries.remove(id);
      await recordChange(tx, actor, {
        action: 'cache_entry.delete',
        targetId: id,
        details: {
          groupId: entry.groupId,
          upstreamId: entry.upstreamId,
          repository: entry.repository,
          reference: entry.reference,
          digest: entry.digest,
        },
        groupPath,
      });
      return entry;
    });
  }
}
