/** The entries of virtual registries, as an operator looks through them and clears them. */
import { type Kysely, type RawBuilder, type Selectable, sql } from 'kysely';
import type { Reviews } from '../collector/reviews.ts';
import { containing } from '../db/containing.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Direction, Page, Paged } from '../db/page.ts';
import type { Order, Pages } from '../db/pages.ts';
import type { Tables } from '../db/tables.ts';
import { relativePathOf } from '../migrations/searched.ts';
import { type CacheEntry, type CacheEntryTable, entryColumns } from './cache-entry.ts';
import { removeEntries } from './remove-entries.ts';

export interface ListedCacheEntry extends CacheEntry {
  /** Below `/v2`, with a leading slash. */
  readonly relativePath: string;
  /** Of the content, in hex. */
  readonly sha1: string | undefined;
}

/** By number, which is by age; what was never pulled comes before everything. */
export type CacheEntryOrder = 'id' | 'size' | 'pulled';

const orders = {
  id: [sql.ref('cacheEntries.id')],
  size: [sql.ref('cacheEntries.size'), sql.ref('cacheEntries.id')],
  pulled: [sql.ref('cacheEntries.downloadedAtOrZero'), sql.ref('cacheEntries.id')],
} as const satisfies Record<CacheEntryOrder, Order['keys']>;

const newestFirst = { by: 'id', direction: 'desc' } as const;

export type ManifestEntry = Pick<CacheEntry, 'repository' | 'reference' | 'digest'>;

export class CacheContents {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #pages: Pages;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, reviews: Reviews, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#pages = pages;
    this.#reviews = reviews;
  }

  /** @param search part of the relative path */
  async list(
    upstreamId: number,
    search: string | undefined,
    page: Page,
    { by, direction }: { readonly by: CacheEntryOrder; readonly direction: Direction } = newestFirst,
  ): Promise<Paged<ListedCacheEntry>> {
    const matching = (entries: RawBuilder<Selectable<CacheEntryTable>>) => {
      const query = this.#reading
        .selectFrom(entries.as('cacheEntries'))
        .select(entryColumns)
        .select([relativePath.as('relativePath'), sha1])
        .where('upstreamId', '=', upstreamId);
      return search ? query.where(containing(relativePath, search)) : query;
    };
    const few = matching(await this.#pages.texts.from('cacheEntries', search, upstreamId));
    const isInOrder = by === 'id' || !search;
    const ways = isInOrder ? few : { few, many: matching(sql.table('cacheEntries')) };
    return this.#pages.list(ways, { keys: orders[by], direction }, page);
  }

  find(id: number): Promise<CacheEntry | undefined> {
    const query = this.#db.selectFrom('cacheEntries').select(entryColumns).where('id', '=', id);
    return query.executeTakeFirst();
  }

  /** How many entries a top-level group has. */
  async count(groupId: number): Promise<number> {
    const { total } = await this.#reading
      .selectFrom('cacheEntries')
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .where('groupId', '=', groupId)
      .executeTakeFirstOrThrow();
    return total;
  }

  /** All manifests of an upstream, under each of their references. */
  listManifests(upstreamId: number): Promise<readonly ManifestEntry[]> {
    return this.#reading
      .selectFrom('cacheEntries')
      .select(['repository', 'reference', 'digest'])
      .where('upstreamId', '=', upstreamId)
      .where('kind', '=', 'manifest')
      .execute();
  }

  /** Returns the number of entries that were removed. */
  removeByUpstream(upstreamId: number): Promise<number> {
    return inTransaction(this.#db, (tx) => {
      const which = tx.selectFrom('cacheEntries').select('id').where('upstreamId', '=', upstreamId);
      return removeEntries(tx, this.#reviews.within(tx), which, 'entry_delete');
    });
  }

  /** Removes the entries of upstreams that this registry uses and no other. Returns the number of entries that were removed. */
  removeByRegistry(registryId: number): Promise<number> {
    return inTransaction(this.#db, (tx) => {
      const which = tx
        .selectFrom('cacheEntries')
        .select('id')
        .where('upstreamId', 'in', (eb) =>
          eb
            .selectFrom('registryUpstreams as own')
            .select('own.upstreamId')
            .where('own.registryId', '=', registryId)
            .where((not) =>
              not.not(
                not.exists(
                  not
                    .selectFrom('registryUpstreams as other')
                    .select('other.id')
                    .whereRef('other.upstreamId', '=', 'own.upstreamId')
                    .where('other.registryId', '<>', registryId),
                ),
              ),
            ),
        );
      return removeEntries(tx, this.#reviews.within(tx), which, 'entry_delete');
    });
  }
}

/** What an entry is called in lists. */
const relativePath = sql.raw<string>(`(${relativePathOf('')})`);

const sha1 = sql<string | undefined>`case kind
  when 'blob' then (select blobs.sha1 from blobs where blobs.digest = cache_entries.digest)
  else (select manifests.sha1 from manifests where manifests.digest = cache_entries.digest)
  end`.as('sha1');
