/** When it was first seen which image a tag named at an upstream. It outlives what is cached: else evicting an image would make it new. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { isTag, type RepositoryName, type Tag } from '../../oci/reference.ts';
import type { Tables } from '../db/tables.ts';
import type { CacheEntry, EntrySource } from './cache-entry.ts';

/** primary key (upstreamId, repository, tag, digest); index (upstreamId, repository, digest) */
export interface TagSightingTable {
  upstreamId: number;
  repository: RepositoryName;
  tag: Tag;
  digest: Digest;
  seenAt: number;
}

type NotedEntry = Pick<CacheEntry, 'kind' | 'upstreamId' | 'repository' | 'reference' | 'digest'>;

export type TagSighting = Pick<TagSightingTable, 'tag' | 'digest' | 'seenAt'>;

/** No image has to be older than that: of what a tag named before, the newest is enough. */
const rememberedMs = 366 * 24 * 60 * 60 * 1000;

export class TagSightings {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Part of the transaction in which an entry gets its content. Where a tag named that before, the first time counts. */
  async note({ kind, upstreamId, repository, reference: tag, digest }: NotedEntry): Promise<void> {
    if (kind !== 'manifest' || !isTag(tag)) return;
    const now = this.#now();
    const added = await this.#db
      .insertInto('tagSightings')
      .values({ upstreamId, repository, tag, digest, seenAt: now })
      .onConflict((conflict) => conflict.doNothing())
      .returning('seenAt')
      .executeTakeFirst();
    if (!added) return;
    const ofTag = { upstreamId, repository, tag };
    await this.#db
      .deleteFrom('tagSightings')
      .where((eb) => eb.and(ofTag))
      .where('seenAt', '<', (eb) =>
        eb
          .selectFrom('tagSightings as old')
          .select(({ fn }) => fn.max('old.seenAt').as('seenAt'))
          .where((at) =>
            at.and({ 'old.upstreamId': upstreamId, 'old.repository': repository, 'old.tag': tag }),
          )
          .where('old.seenAt', '<', now - rememberedMs),
      )
      .execute();
  }

  /** What the tag named, the newest first. */
  async listOfTag({ upstreamId, repository }: EntrySource, tag: Tag): Promise<readonly TagSighting[]> {
    return this.#db
      .selectFrom('tagSightings')
      .select(['tag', 'digest', 'seenAt'])
      .where((eb) => eb.and({ upstreamId, repository, tag }))
      .orderBy('seenAt', 'desc')
      .orderBy('digest')
      .execute();
  }

  /** The tags that named the digest, or an index that lists it, the oldest first. */
  async listOfDigest(
    { upstreamId, repository }: EntrySource,
    digest: Digest,
  ): Promise<readonly TagSighting[]> {
    return this.#db
      .selectFrom('tagSightings')
      .select(['tag', 'digest', 'seenAt'])
      .where((eb) => eb.and({ upstreamId, repository }))
      .where((eb) =>
        eb.or([
          eb('digest', '=', digest),
          eb('digest', 'in', (of) =>
            of
              .selectFrom('manifestReferences')
              .select('manifestDigest')
              .where('manifestReferences.digest', '=', digest)
              .where('kind', '=', 'manifest'),
          ),
        ]),
      )
      .orderBy('seenAt')
      .execute();
  }

  /** The tags that are cached of an upstream, those that were used last first. @param limit how many */
  listCached(upstreamId: number, limit: number) {
    return (
      this.#db
        .selectFrom('cacheEntries')
        .select(['repository', 'reference', 'digest', 'mediaType'])
        .where('upstreamId', '=', upstreamId)
        .where('kind', '=', 'manifest')
        // Digests have a colon, tags never.
        .where('reference', 'not like', '%:%')
        .orderBy('usedAt', 'desc')
        .orderBy('id', 'desc')
        .limit(limit)
        .execute()
    );
  }

  /** When the digest was first pulled by itself, as far as it is still cached. Epoch milliseconds. */
  async findOwn({ upstreamId, repository }: EntrySource, digest: Digest): Promise<number | undefined> {
    const entry = await this.#db
      .selectFrom('cacheEntries')
      .select('createdAt')
      .where((eb) => eb.and({ upstreamId, kind: 'manifest', repository, reference: digest }))
      .executeTakeFirst();
    return entry?.createdAt;
  }
}
