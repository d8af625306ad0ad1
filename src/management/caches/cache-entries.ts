/** What is cached of an upstream, to look through and to forget one by one. */
import type { CacheEntryOrder, ListedCacheEntry } from '../../metadata/cached/cache-contents.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Direction, Page, Paged } from '../../metadata/db/page.ts';
import type { BlobSha1s } from '../../proxy/blob-sha1s.ts';
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
  readonly sha1s: Pick<BlobSha1s, 'find'>;
}

export interface CacheEntrySearch {
  /** Part of the path. */
  readonly search: string | undefined;
  readonly by: CacheEntryOrder;
  readonly direction: Direction;
}

export class CacheEntryService {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #rights = new Rights();
  readonly #sha1s: Pick<BlobSha1s, 'find'>;

  constructor({ database, caches, sha1s }: CacheEntryServiceOptions) {
    this.#database = database;
    this.#sha1s = sha1s;
    this.#changes = new Changes(database, caches);
  }

  /** @throws RefusedError not-found, forbidden */
  async list(
    actor: Actor,
    upstreamId: number,
    { search, ...order }: CacheEntrySearch,
    page: Page,
  ): Promise<Paged<ListedCacheEntry>> {
    await this.#rights.getUpstream(this.#database, actor, upstreamId, 'read');
    const listed = await this.#database.cacheContents.list(upstreamId, search, page, order);
    const isUnknown = ({ kind, sha1 }: ListedCacheEntry) => kind === 'blob' && sha1 === undefined;
    const unknown = listed.records.filter(isUnknown).map(({ digest }) => digest);
    if (unknown.length === 0) return listed;
    const sha1s = await this.#sha1s.find(unknown);
    const withSha1 = (entry: ListedCacheEntry) =>
      isUnknown(entry) ? { ...entry, sha1: sha1s.get(entry.digest) } : entry;
    return { ...listed, records: listed.records.map(withSha1) };
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
