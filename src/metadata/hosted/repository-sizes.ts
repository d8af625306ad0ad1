/** How many bytes make up what a repository shows: blobs that it links, each counted once. */
import { type Expression, type Kysely, type RawBuilder, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { Tables } from '../db/tables.ts';

/** The size of the configs and layers of a manifest, and of the manifests that it lists and the repository has. */
export function sizeOfManifest(
  repositoryId: Expression<number> | RawBuilder<unknown>,
  digest: Expression<string> | RawBuilder<unknown>,
): RawBuilder<number> {
  return sizeOf(sql`select ${digest}`, repositoryId);
}

export class RepositorySizes {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;

  constructor(db: Kysely<Tables>, reading = db) {
    this.#db = db;
    this.#reading = reading;
  }

  /** The size of all that its tags reach. The work grows with its tags. */
  async measure(repositoryId: number): Promise<number> {
    const id = sql<number>`cast(${repositoryId} as bigint)`;
    const tagged = sql`select tags.digest from tags where tags.repository_id = ${id}`;
    const { rows } = await sql<{ readonly bytes: number }>`select ${sizeOf(tagged, id)} as bytes`.execute(
      this.#reading,
    );
    return rows[0]?.bytes ?? 0;
  }

  /** Measures one of its manifests, and writes the size to its record and to those of its tags. */
  async updateManifest(repositoryId: number, digest: Digest): Promise<void> {
    await sql`
      update repository_manifests
      set size_bytes = ${sizeOfManifest(sql.ref('repositoryManifests.repositoryId'), sql.ref('repositoryManifests.digest'))}
      where repository_id = ${repositoryId} and digest = ${digest}`.execute(this.#db);
    await sql`
      update tags
      set size_bytes = (
        select named.size_bytes from repository_manifests as named
        where named.repository_id = tags.repository_id and named.digest = tags.digest
      )
      where repository_id = ${repositoryId} and digest = ${digest}`.execute(this.#db);
  }

  /** The repositories that changed since they were measured, the longest unmeasured first. */
  listChanged(limit: number): Promise<readonly { readonly id: number; readonly updatedAt: number }[]> {
    return this.#reading
      .selectFrom('repositories')
      .select(['id', 'updatedAt'])
      .where((eb) => eb.or([eb('sizedAt', 'is', null), eb('sizedAt', '<>', eb.ref('updatedAt'))]))
      .orderBy((eb) => eb.fn.coalesce('sizedAt', sql<number>`0`))
      .orderBy('id')
      .limit(limit)
      .execute();
  }

  /** @param updatedAt as it was before it was measured */
  async note(repositoryId: number, bytes: number, updatedAt: number): Promise<void> {
    await this.#db
      .updateTable('repositories')
      .set({ sizeBytes: bytes, sizedAt: updatedAt })
      .where('id', '=', repositoryId)
      .execute();
  }
}

/**
 * Indexes may list indexes; caches of BuildKit list blobs as if they were manifests. Blobs are looked up one by one: joined, databases
 * may begin with all that the repository links, and pushes would take the longer the more there is.
 */
function sizeOf(roots: RawBuilder<unknown>, repositoryId: Expression<unknown>): RawBuilder<number> {
  return sql<number>`(
    with recursive reached(digest) as (
      ${roots}
      union
      select child.digest
      from reached
      join manifest_references as child on child.manifest_digest = reached.digest and child.kind = 'manifest'
      join repository_manifests as here on here.repository_id = ${repositoryId} and here.digest = child.digest
    ), content(digest) as (
      select distinct part.digest
      from manifest_references as part
      where part.manifest_digest in (select reached.digest from reached) and part.kind <> 'subject'
    )
    select cast(coalesce(sum((
      select blobs.size
      from blobs
      where blobs.digest = content.digest
        and exists (
          select 1 from repository_blobs as link
          where link.repository_id = ${repositoryId} and link.digest = content.digest
        )
    )), 0) as bigint)
    from content)`;
}
