/**
 * Entries in the order in which they are given up: the least recently used first. Images stay whole: a blob, or a manifest of an index,
 * is held by the manifests beside it that refer to it, and goes with the last of them.
 */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Reviews } from '../collector/reviews.ts';
import type { RecordOf, Tables } from '../db/tables.ts';
import type { CacheEntryTable } from './cache-entry.ts';
import { type CacheScope, numberOf } from './cache-sizes.ts';

const candidateColumns = [
  'id',
  'groupId',
  'upstreamId',
  'kind',
  'repository',
  'reference',
  'digest',
  'usedAt',
] as const;

export interface EvictionCandidate
  extends Pick<RecordOf<CacheEntryTable>, (typeof candidateColumns)[number]> {
  /** When the most recently used entry that holds it was used; undefined: none holds it. */
  readonly holderUsedAt: number | undefined;
}

/** One of the entries of a manifest: a tag, or its digest. */
export type EntryTwin = Pick<EvictionCandidate, 'id' | 'reference' | 'usedAt'>;

export interface Removed {
  readonly entries: number;
  /** The sizes of the entries together. */
  readonly bytes: number;
}

export class CacheEvictions {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, reviews: Reviews, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#reviews = reviews;
  }

  /** @param usedBefore epoch milliseconds */
  listOldest(scope: CacheScope, usedBefore: number, limit: number): Promise<readonly EvictionCandidate[]> {
    let query = this.#reading
      .selectFrom('cacheEntries as entry')
      .select(candidateColumns)
      .select(holderUsedAt.as('holderUsedAt'))
      .where('entry.usedAt', '<', usedBefore)
      .orderBy('entry.usedAt')
      .orderBy('entry.id')
      .limit(limit);
    if (scope !== 'all') query = query.where('entry.groupId', '=', numberOf(scope));
    return query.execute();
  }

  /** All entries of a manifest in its repository, itself among them. */
  listTwins(manifest: EvictionCandidate): Promise<readonly EntryTwin[]> {
    return this.#db
      .selectFrom('cacheEntries')
      .select(['id', 'reference', 'usedAt'])
      .where('upstreamId', '=', manifest.upstreamId)
      .where('repository', '=', manifest.repository)
      .where('digest', '=', manifest.digest)
      .where('kind', '=', 'manifest')
      .execute();
  }

  /** Entries count as used at `usedAt` from now on, unless they were used later. @param usedAt epoch milliseconds */
  async postpone(ids: readonly number[], usedAt: number): Promise<void> {
    await this.#db
      .updateTable('cacheEntries')
      .set({ usedAt })
      .where('id', 'in', ids)
      .where('usedAt', '<', usedAt)
      .execute();
  }

  /** Removes nothing where the entry was used meanwhile. It is part of a transaction, as everything here that removes. */
  removeEntry({ id, usedAt }: EvictionCandidate): Promise<Removed> {
    return this.#remove(sql<SqlBool>`id = ${id} and used_at <= ${usedAt}`);
  }

  /** Removes all its entries, its list of referrers, and the blobs that no other manifest beside it holds. */
  async removeManifest(manifest: EvictionCandidate): Promise<Removed> {
    const { upstreamId, repository, digest, usedAt } = manifest;
    const beside = sql<SqlBool>`upstream_id = ${upstreamId} and repository = ${repository}`;
    const own = await this.#remove(
      sql<SqlBool>`${beside} and digest = ${digest} and kind = 'manifest' and used_at <= ${usedAt}`,
    );
    if ((await this.listTwins(manifest)).length > 0) return own;
    const held = await this.#remove(sql<SqlBool>`id in (
      select entry.id
      from manifest_references as used
      inner join cache_entries as entry
        on entry.upstream_id = ${upstreamId} and entry.repository = ${repository} and entry.digest = used.digest
      where used.manifest_digest = ${digest} and used.kind in ('config', 'layer') and entry.kind = 'blob'
        and ${holderUsedAt} is null)`);
    const listed = await this.#remove(
      sql<SqlBool>`${beside} and kind = 'referrers' and reference = ${digest}`,
    );
    return {
      entries: own.entries + held.entries + listed.entries,
      bytes: own.bytes + held.bytes + listed.bytes,
    };
  }

  async #remove(which: Expression<SqlBool>): Promise<Removed> {
    const rows = await this.#db
      .deleteFrom('cacheEntries')
      .where(which)
      .returning(['kind', 'digest', 'size'])
      .execute();
    const digestsOf = (isBlob: boolean) =>
      rows.filter(({ kind }) => (kind === 'blob') === isBlob).map(({ digest }) => digest);
    await this.#reviews.addBlobs(digestsOf(true), 'entry_evict');
    await this.#reviews.addPayloads(digestsOf(false), 'entry_evict');
    return { entries: rows.length, bytes: rows.reduce((sum, { size }) => sum + size, 0) };
  }
}

/** When the last of the manifests beside `entry` that refer to it was used; for a list of referrers, when its subject was. */
const holderUsedAt = sql<number | undefined>`(case entry.kind
  when 'referrers' then (
    select max(subject.used_at)
    from cache_entries as subject
    where subject.upstream_id = entry.upstream_id and subject.repository = entry.repository
      and subject.digest = entry.reference and subject.kind = 'manifest')
  else (
    select max(holder.used_at)
    from manifest_references as held
    inner join cache_entries as holder
      on holder.upstream_id = entry.upstream_id and holder.repository = entry.repository
      and holder.digest = held.manifest_digest and holder.kind = 'manifest'
    where held.digest = entry.digest and held.kind <> 'subject')
  end)`;
