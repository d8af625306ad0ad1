/** Tags of repositories that are pushed to: each names one manifest of its repository, and goes with it. */
import { type Generated, type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { PageRequest } from '../../oci/repository.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Optional, Tables } from '../db/tables.ts';

/** primary key (repositoryId, name); goes with its manifest */
export interface TagTable {
  repositoryId: number;
  name: Tag;
  digest: Digest;
  createdAt: number;
  /** When it was pushed last. */
  updatedAt: number;
  pulledAt: Optional<number>;
  pullsCount: Generated<number>;
  /** That of its manifest, by which lists are sorted. */
  sizeBytes: Generated<number>;
  /** Who pushed it last, for people to read; undefined where that was not recorded yet. */
  publishedBy: Optional<string>;
}

export interface PushedTag {
  readonly name: Tag;
  readonly updatedAt: number;
  readonly pulledAt?: number | undefined;
}

const readAtOnce = 500;
/** Of a tag, or of its manifest by digest. */
const lastPull = sql<
  number | undefined
>`case when coalesce(manifest.pulled_at, 0) > coalesce(tags.pulled_at, 0)
  then manifest.pulled_at else tags.pulled_at end`;

export class Tags {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
  }

  find(repositoryId: number, tag: Tag): Promise<Digest | undefined> {
    return find(this.#db, repositoryId, tag);
  }

  /**
   * Makes or switches the tag. Returns what it named before, the same digest included.
   * @param publishedBy for people to read
   * @throws MissingOwner when the repository has no such manifest
   */
  put(repositoryId: number, tag: Tag, digest: Digest, publishedBy?: string): Promise<Digest | undefined> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const before = await find(tx, repositoryId, tag);
      await tx
        .insertInto('tags')
        .values((eb) => ({
          repositoryId,
          name: tag,
          digest,
          createdAt: now,
          updatedAt: now,
          publishedBy,
          // Where there is no such manifest, that is what the insert fails for.
          sizeBytes: eb.fn.coalesce(
            eb
              .selectFrom('repositoryManifests as named')
              .select('named.sizeBytes')
              .where('named.repositoryId', '=', repositoryId)
              .where('named.digest', '=', digest),
            sql<number>`0`,
          ),
        }))
        .onConflict((conflict) =>
          conflict.columns(['repositoryId', 'name']).doUpdateSet({
            digest,
            updatedAt: now,
            publishedBy: publishedBy ?? null,
            sizeBytes: (eb) => eb.ref('excluded.sizeBytes'),
          }),
        )
        .execute();
      return before;
    });
  }

  /** As {@link removeMany}, of one. Returns what it named; undefined when there was none. */
  async remove(repositoryId: number, tag: Tag, remover: string): Promise<Digest | undefined> {
    const [removed] = await this.removeMany(repositoryId, [tag], Number.MAX_SAFE_INTEGER, remover);
    return removed?.digest;
  }

  /**
   * Removes those of the tags that were pushed no later than `notAfter`: a later push of the same name is another tag. Their manifests
   * stay, and as long as these are here the tags can be restored.
   * @param notAfter epoch milliseconds
   * @param remover for people to read: who removes them
   */
  removeMany(
    repositoryId: number,
    names: readonly string[],
    notAfter: number,
    remover: string,
  ): Promise<readonly { readonly name: Tag; readonly digest: Digest }[]> {
    return inTransaction(this.#db, async (tx) => {
      const removed: { readonly name: Tag; readonly digest: Digest }[] = [];
      for (const batch of inBatches(names)) {
        const rows = await tx
          .deleteFrom('tags')
          .where('repositoryId', '=', repositoryId)
          .where(sql.ref<string>('name'), 'in', batch)
          .where('updatedAt', '<=', notAfter)
          .returning(['name', 'digest', 'updatedAt'])
          .execute();
        await keepRemoved(tx, repositoryId, rows, { remover, now: this.#now() });
        for (const { name, digest } of rows) removed.push({ name, digest });
      }
      return removed;
    });
  }

  /**
   * All tags that were pushed no later than `notAfter`, with when that was, and when they or their manifests were pulled last, by name and in parts, between which others have their turn.
   * @param notAfter epoch milliseconds
   */
  async *readPushed(repositoryId: number, notAfter: number): AsyncGenerator<readonly PushedTag[]> {
    for (let after = ''; ; ) {
      const rows = await this.#reading
        .selectFrom('tags')
        .innerJoin('repositoryManifests as manifest', (join) =>
          join
            .onRef('manifest.repositoryId', '=', 'tags.repositoryId')
            .onRef('manifest.digest', '=', 'tags.digest'),
        )
        .select(['tags.name', 'tags.updatedAt', lastPull.as('pulledAt')])
        .where('tags.repositoryId', '=', repositoryId)
        .where(sql.ref<string>('tags.name'), '>', after)
        .where('tags.updatedAt', '<=', notAfter)
        .orderBy('tags.name')
        .limit(readAtOnce)
        .execute();
      yield rows;
      if (rows.length < readAtOnce) return;
      after = rows.at(-1)?.name ?? after;
    }
  }

  /** Those of the tags that there are, with when they were pushed last, in byte order. */
  listPushed(
    repositoryId: number,
    names: readonly string[],
  ): Promise<readonly { readonly name: Tag; readonly updatedAt: number }[]> {
    return this.#db
      .selectFrom('tags')
      .select(['name', 'updatedAt'])
      .where('repositoryId', '=', repositoryId)
      .where(sql.ref<string>('name'), 'in', names)
      .orderBy('name')
      .execute();
  }

  /** In byte order; as quick at the end as at the beginning. */
  async list(
    repositoryId: number,
    { after, limit }: PageRequest,
  ): Promise<{ readonly tags: Tag[]; readonly hasMore: boolean }> {
    const rows = await this.#reading
      .selectFrom('tags')
      .select('name')
      .where('repositoryId', '=', repositoryId)
      .where(sql.ref<string>('name'), '>', after)
      .orderBy('name')
      .limit(limit + 1)
      .execute();
    return { tags: rows.slice(0, limit).map(({ name }) => name), hasMore: rows.length > limit };
  }

  /** All tags that name this manifest, in byte order. */
  async listNaming(repositoryId: number, digest: Digest): Promise<Tag[]> {
    const rows = await this.#reading
      .selectFrom('tags')
      .select('name')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .orderBy('name')
      .execute();
    return rows.map(({ name }) => name);
  }

  async count(repositoryId: number): Promise<number> {
    const query = this.#db.selectFrom('repositories').select('tagsCount').where('id', '=', repositoryId);
    return (await query.executeTakeFirst())?.tagsCount ?? 0;
  }
}

/** Keeps what can be restored: see {@link DeletedTags}. */
async function keepRemoved(
  tx: Kysely<Tables>,
  repositoryId: number,
  rows: readonly { readonly name: Tag; readonly digest: Digest; readonly updatedAt: number }[],
  { remover, now }: { readonly remover: string; readonly now: number },
): Promise<void> {
  for (const batch of inBatches(rows)) {
    const values = batch.map(({ name, digest, updatedAt }) => ({
      repositoryId,
      name,
      digest,
      deletedAt: now,
      deletedBy: remover,
      publishedAt: updatedAt,
    }));
    await tx.insertInto('deletedTags').values(values).execute();
  }
}

async function find(db: Kysely<Tables>, repositoryId: number, tag: Tag): Promise<Digest | undefined> {
  const row = await db
    .selectFrom('tags')
    .select('digest')
    .where('repositoryId', '=', repositoryId)
    .where('name', '=', tag)
    .executeTakeFirst();
  return row?.digest;
}
