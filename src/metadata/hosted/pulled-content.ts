/** What repositories have, as warm pulls ask for it: by the name of the repository, in one look at the records, without the bytes. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { isDigestReference, type Reference, type Tag } from '../../oci/reference.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';

export interface PulledManifest {
  readonly repositoryId: number;
  readonly digest: Digest;
  readonly mediaType: string;
}

type DigestKey = { readonly name: string; readonly digest: Digest };
type TagKey = { readonly name: string; readonly tag: Tag };

export class PulledContent {
  readonly #byDigest: (key: DigestKey) => Promise<readonly PulledManifest[]>;
  readonly #byTag: (key: TagKey) => Promise<readonly PulledManifest[]>;
  readonly #blob: (key: DigestKey) => Promise<readonly { readonly digest: Digest }[]>;

  constructor(db: Kysely<Tables>, reads: PreparedReads) {
    const manifests = db
      .selectFrom('repositories')
      .innerJoin('repositoryManifests as link', 'link.repositoryId', 'repositories.id')
      .select(['link.repositoryId', 'link.digest', 'link.mediaType']);
    this.#byDigest = reads.prepareOften('manifest by name', (value) =>
      manifests.where('repositories.name', '=', value('name')).where('link.digest', '=', value('digest')),
    );
    this.#byTag = reads.prepareOften('manifest by name and tag', (value) =>
      manifests
        .innerJoin('tags', (join) =>
          join.onRef('tags.repositoryId', '=', 'link.repositoryId').onRef('tags.digest', '=', 'link.digest'),
        )
        .where('repositories.name', '=', value('name'))
        .where('tags.name', '=', value('tag')),
    );
    this.#blob = reads.prepareOften('blob by name', (value) =>
      db
        .selectFrom('repositories')
        .innerJoin('repositoryBlobs as link', 'link.repositoryId', 'repositories.id')
        .select('link.digest')
        .where('repositories.name', '=', value('name'))
        .where('link.digest', '=', value('digest')),
    );
  }

  /** Undefined where there is no such repository, or it does not have it. */
  async findManifest(name: string, reference: Reference): Promise<PulledManifest | undefined> {
    const [found] = isDigestReference(reference)
      ? await this.#byDigest({ name, digest: reference })
      : await this.#byTag({ name, tag: reference });
    return found;
  }

  /** Whether there is such a repository, and it has the blob. */
  async hasBlob(name: string, digest: Digest): Promise<boolean> {
    return (await this.#blob({ name, digest })).length > 0;
  }
}
