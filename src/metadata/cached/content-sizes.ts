/**
 * How many bytes of blobs are reachable: from a manifest, or from all tags of a repository. What several reach counts once; of
 * what an index lists only that which its repository has.
 */
import { type Expression, type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

/** Which repositories count: the one of a name, or it and all below it. */
export type SizeScope = 'self' | 'self_with_descendants';

export interface ReachableSize {
  readonly bytes: number;
  /** untagged: there are too many tags to follow them, and what no tag reaches counts too. */
  readonly precision: 'default' | 'untagged';
}

/** Following more takes seconds, in which SQLite does nothing else. */
const maxFollowedTags = 20_000;

export class ContentSizes {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /**
   * The bytes of the config and layers of each manifest, and of all manifests that it lists, as far as the repository has them; 0 where
   * there are none.
   */
  async ofManifests(repositoryId: number, digests: readonly Digest[]): Promise<ReadonlyMap<Digest, number>> {
    const sizes = new Map<Digest, number>();
    for (const batch of inBatches([...new Set(digests)])) {
      const { rows } = await sql<{ root: Digest; bytes: number }>`
        with recursive reachable(root, digest) as (
          select digest, digest from repository_manifests
          where repository_id = ${repositoryId} and digest in (${sql.join(batch)})
          union
          select reachable.root, listed.digest from reachable
          join manifest_references as listed on listed.manifest_digest = reachable.digest and listed.kind = 'manifest'
          join repository_manifests as child on child.repository_id = ${repositoryId} and child.digest = listed.digest
        ),
        used as ${blobsUsed(sql`root`, sql`${repositoryId}`)}
        select root, cast(sum(size) as bigint) as bytes
        from (select root, digest, max(size) as size from used group by root, digest) as blobs_of_root
        group by root`.execute(this.#db);
      for (const { root, bytes } of rows) sizes.set(root, bytes);
    }
    return sizes;
  }

  /**
   * Repositories of projects whose registry is disabled do not count.
   * @param name of a repository, or a path above repositories
   * @param maxTags how many are followed
   */
  async ofRepositories(
    name: string,
    scope: SizeScope,
    maxTags: number = maxFollowedTags,
  ): Promise<ReachableSize> {
    const { rows } = await sql<{ count: number }>`
      select count(*) as count from (
        select 1 as one from tags where repository_id in (${counted(name, scope)}) limit ${maxTags + 1}
      ) as some_tags`.execute(this.#db);
    return (rows[0]?.count ?? 0) <= maxTags
      ? { bytes: await this.#tagged(name, scope), precision: 'default' }
      : { bytes: await this.#linked(name, scope), precision: 'untagged' };
  }

  async #tagged(name: string, scope: SizeScope): Promise<number> {
    const { rows } = await sql<{ bytes: number }>`
      with recursive reachable(repository_id, digest) as (
        select repository_id, digest from tags where repository_id in (${counted(name, scope)})
        union
        select child.repository_id, child.digest from reachable
        join manifest_references as listed on listed.manifest_digest = reachable.digest and listed.kind = 'manifest'
        join repository_manifests as child
          on child.repository_id = reachable.repository_id and child.digest = listed.digest
      ),
      used as ${blobsUsed(sql`repository_id`, sql`reachable.repository_id`)}
      select cast(coalesce(sum(size), 0) as bigint) as bytes
      from (select digest, max(size) as size from used group by digest) as distinct_blobs`.execute(this.#db);
    return rows[0]?.bytes ?? 0;
  }

  async #linked(name: string, scope: SizeScope): Promise<number> {
    const { rows } = await sql<{ bytes: number }>`
      select cast(coalesce(sum(size), 0) as bigint) as bytes from blobs where digest in (
        select digest from repository_blobs where repository_id in (${counted(name, scope)})
      )`.execute(this.#db);
    return rows[0]?.bytes ?? 0;
  }
}

/**
 * What the reachable manifests use, indexes included: caches of BuildKit are indexes that list blobs. It is a cross join because SQLite
 * keeps the order of that, and would otherwise go through all manifests that there are.
 */
function blobsUsed(column: Expression<unknown>, repositoryId: Expression<unknown>) {
  return sql`(
    select reachable.${column}, refs.digest, refs.size
    from reachable cross join manifest_references as refs
    where refs.manifest_digest = reachable.digest
    and (refs.kind in ('config', 'layer') or refs.kind = 'manifest' and exists (
      select 1 from repository_blobs as linked
      where linked.repository_id = ${repositoryId} and linked.digest = refs.digest
    ))
  )`;
}

/** The ids of the repositories. */
function counted(name: string, scope: SizeScope) {
  const named = sql`repositories.name = ${name}`;
  const within = sql`(${named} or repositories.name > ${`${name}/`} and repositories.name < ${`${name}0`})`;
  return sql`
    select repositories.id from repositories
    join projects on projects.id = repositories.project_id
    where ${scope === 'self' ? named : within} and projects.container_registry_access_level <> 'disabled'`;
}
