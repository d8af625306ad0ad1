/** What a manifest is in its repository, and what the manifests are that it lists. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import type { Tables } from '../db/schema.ts';

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
    const row = await this.#select(repositoryId)
      .where('repository_manifests.digest', '=', digest)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Of what it lists, the manifests that the repository has, by digest; not what those list. */
  async listChildren(repositoryId: number, digest: Digest): Promise<readonly ImageManifest[]> {
    const rows = await this.#select(repositoryId)
      .innerJoin('manifest_references as listed', 'listed.digest', 'repository_manifests.digest')
      .where('listed.manifest_digest', '=', digest)
      .where('listed.kind', '=', 'manifest')
      .orderBy('repository_manifests.digest')
      .execute();
    return rows.map(fromRow);
  }

  #select(repositoryId: number) {
    return this.#db
      .selectFrom('repository_manifests')
      .leftJoin('manifest_references as config', (join) =>
        join
          .onRef('config.manifest_digest', '=', 'repository_manifests.digest')
          .on('config.kind', '=', 'config'),
      )
      .select(['repository_manifests.digest', 'repository_manifests.media_type'])
      .select(['config.digest as config_digest', 'config.media_type as config_media_type'])
      .where('repository_manifests.repository_id', '=', repositoryId);
  }

  /** Of all these subjects, oldest first. @param types the only artifact types; undefined: all */
  async listReferrers(
    repositoryId: number,
    subjects: readonly Digest[],
    types: readonly string[] | undefined,
  ): Promise<readonly ReferrerEntry[]> {
    const entries: ReferrerEntry[] = [];
    for (const batch of inBatches([...new Set(subjects)])) {
      let query = this.#db
        .selectFrom('repository_manifests')
        .select(['subject', 'digest', 'artifact_type'])
        .where('repository_id', '=', repositoryId)
        .where('subject', 'in', batch);
      if (types) query = query.where('artifact_type', 'in', types);
      const rows = await query.orderBy('created_at').orderBy('digest').execute();
      for (const { subject, digest, artifact_type } of rows) {
        // Digests were parsed before they were recorded.
        entries.push({
          subject: subject as Digest,
          digest: digest as Digest,
          artifactType: artifact_type ?? undefined,
        });
      }
    }
    return entries;
  }
}

function fromRow(row: {
  readonly digest: string;
  readonly media_type: string;
  readonly config_digest: string | null;
  readonly config_media_type: string | null;
}): ImageManifest {
  const { config_digest: digest, config_media_type: mediaType } = row;
  return {
    digest: row.digest as Digest,
    mediaType: row.media_type,
    config: digest !== null && mediaType !== null ? { digest: digest as Digest, mediaType } : undefined,
  };
}
