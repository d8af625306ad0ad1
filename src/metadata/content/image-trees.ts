/** What a manifest is in its repository, and what the manifests are that it lists. */
import { type Kysely, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/tables.ts';

export interface ImageManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** Undefined for an index. */
  readonly config: { readonly digest: Digest; readonly mediaType: string } | undefined;
}

export interface ReferrerEntry {
  readonly subject: Digest;
  readonly digest: Digest;
  readonly artifactType: string | undefined;
}

export class ImageTrees {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  async find(repositoryId: number, digest: Digest): Promise<ImageManifest | undefined> {
    const found = await this.#select(repositoryId)
      .where('repositoryManifests.digest', '=', digest)
      .executeTakeFirst();
    return found && withConfig(found);
  }

  /** The manifests that it lists and the repository has, by digest; not what those list. */
  async listChildren(repositoryId: number, digest: Digest): Promise<readonly ImageManifest[]> {
    const rows = await this.#select(repositoryId)
      .innerJoin('manifestReferences as listed', 'listed.digest', 'repositoryManifests.digest')
      .where('listed.manifestDigest', '=', digest)
      .where('listed.kind', '=', 'manifest')
      .orderBy('repositoryManifests.digest')
      .execute();
    return rows.map(withConfig);
  }

  #select(repositoryId: number) {
    return this.#db
      .selectFrom('repositoryManifests')
      .leftJoin('manifestReferences as config', (join) =>
        join
          .onRef('config.manifestDigest', '=', 'repositoryManifests.digest')
          .on('config.kind', '=', 'config'),
      )
      .select(['repositoryManifests.digest', 'repositoryManifests.mediaType'])
      .select([
        sql.ref<Digest | undefined>('config.digest').as('configDigest'),
        sql.ref<string | undefined>('config.mediaType').as('configMediaType'),
      ])
      .where('repositoryManifests.repositoryId', '=', repositoryId);
  }

  /** The referrers of all these subjects, oldest first. @param types the only artifact types; undefined: all */
  async listReferrers(
    repositoryId: number,
    subjects: readonly Digest[],
    types: readonly string[] | undefined,
  ): Promise<readonly ReferrerEntry[]> {
    const entries: ReferrerEntry[] = [];
    for (const batch of inBatches([...new Set(subjects)])) {
      let query = this.#db
        .selectFrom('repositoryManifests')
        .select([sql.ref<Digest>('subject').as('subject'), 'digest', 'artifactType'])
        .where('repositoryId', '=', repositoryId)
        .where('subject', 'in', batch);
      if (types) query = query.where('artifactType', 'in', types);
      entries.push(...(await query.orderBy('createdAt').orderBy('digest').execute()));
    }
    return entries;
  }
}

function withConfig({
  configDigest,
  configMediaType,
  ...manifest
}: Pick<ImageManifest, 'digest' | 'mediaType'> & {
  readonly configDigest: Digest | undefined;
  readonly configMediaType: string | undefined;
}): ImageManifest {
  const config = configDigest && { digest: configDigest, mediaType: configMediaType ?? '' };
  return { ...manifest, config };
}
