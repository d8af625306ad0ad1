/** Manifests as warm pulls read them: by the name of their repository, in one look at the records. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { isDigestReference, type Reference, type Tag } from '../../oci/reference.ts';
import { bufferOf } from '../content/manifest-payloads.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Tables } from '../db/tables.ts';
import type { HostedManifest } from './repository-manifests.ts';

export interface PulledManifest extends HostedManifest {
  readonly repositoryId: number;
}

type Found = Omit<PulledManifest, 'payload'> & { readonly payload: Uint8Array };

export class PulledManifests {
  readonly #byDigest: (key: { readonly name: string; readonly digest: Digest }) => Promise<readonly Found[]>;
  readonly #byTag: (key: { readonly name: string; readonly tag: Tag }) => Promise<readonly Found[]>;

  constructor(db: Kysely<Tables>, reads: PreparedReads) {
    const manifests = db
      .selectFrom('repositories')
      .innerJoin('repositoryManifests as link', 'link.repositoryId', 'repositories.id')
      .innerJoin('manifests', 'manifests.digest', 'link.digest')
      .select(['link.repositoryId', 'link.digest', 'link.mediaType', 'manifests.payload']);
    this.#byDigest = reads.prepare('manifest by name', (value) =>
      manifests.where('repositories.name', '=', value('name')).where('link.digest', '=', value('digest')),
    );
    this.#byTag = reads.prepare('manifest by name and tag', (value) =>
      manifests
        .innerJoin('tags', (join) =>
          join.onRef('tags.repositoryId', '=', 'link.repositoryId').onRef('tags.digest', '=', 'link.digest'),
        )
        .where('repositories.name', '=', value('name'))
        .where('tags.name', '=', value('tag')),
    );
  }

  /** Undefined where there is no such repository, or it does not have it. */
  async find(name: string, reference: Reference): Promise<PulledManifest | undefined> {
    const [found] = isDigestReference(reference)
      ? await this.#byDigest({ name, digest: reference })
      : await this.#byTag({ name, tag: reference });
    return found && { ...found, payload: bufferOf(found.payload) };
  }
}
