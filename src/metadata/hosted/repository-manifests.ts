/** Which manifests are readable through which repository, and what they are there. */
import type { Kysely, Selectable } from 'kysely';
import { z } from 'zod';
import type { Digest } from '../../oci/digest.ts';
import type { ManifestReference } from '../../oci/manifest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ReferrerDescriptor } from '../../oci/repository.ts';
import type { Reviews } from '../collector/reviews.ts';
import { bufferOf, listReferences, storePayload } from '../content/manifest-payloads.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/schema.ts';
import { isReferencedAs, listUnlinked } from './repository-links.ts';
import { RepositorySizes } from './repository-sizes.ts';

export interface HostedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The bytes that were pushed. */
  readonly payload: Buffer;
}

export interface NewHostedManifest extends HostedManifest {
  readonly references: readonly ManifestReference[];
  /** What it says it belongs to, whether or not that exists. */
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  /** Kept only where there is a subject. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

const annotationsSchema = z.record(z.string(), z.string());

export class RepositoryManifests {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reviews: Reviews;

  constructor(db: Kysely<Tables>, now: () => number, reviews: Reviews) {
    this.#db = db;
    this.#now = now;
    this.#reviews = reviews;
  }

  /** Undefined where the repository does not have it, whatever others do. */
  async find(repositoryId: number, digest: Digest): Promise<HostedManifest | undefined> {
    const row = await this.#withPayload()
      .where('repository_manifests.repository_id', '=', repositoryId)
      .where('repository_manifests.digest', '=', digest)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  async findByTag(repositoryId: number, tag: Tag): Promise<HostedManifest | undefined> {
    const row = await this.#withPayload()
      .innerJoin('tags', (join) =>
        join
          .onRef('tags.repository_id', '=', 'repository_manifests.repository_id')
          .onRef('tags.digest', '=', 'repository_manifests.digest'),
      )
      .where('tags.repository_id', '=', repositoryId)
      .where('tags.name', '=', tag)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  #withPayload() {
    return this.#db
      .selectFrom('repository_manifests')
      .innerJoin('manifests', 'manifests.digest', 'repository_manifests.digest')
      .select(['repository_manifests.digest', 'repository_manifests.media_type', 'manifests.payload']);
  }

  /**
   * One transaction: payload and references stored once by digest, and the link. Where the repository has the manifest, its media
   * type is switched, the push is noted, and the rest stays.
   * @throws MissingOwner when the repository is gone
   */
  save(repositoryId: number, manifest: NewHostedManifest): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const { digest, mediaType, payload, references, subject, artifactType, annotations } = manifest;
      await storePayload(tx, digest, payload, references, now);
      await tx
        .insertInto('repository_manifests')
        .values({
          repository_id: repositoryId,
          digest,
          media_type: mediaType,
          subject: subject ?? null,
          artifact_type: artifactType ?? null,
          annotations: subject && annotations ? JSON.stringify(annotations) : null,
          created_at: now,
          pushed_at: now,
        })
        .onConflict((conflict) =>
          conflict
            .columns(['repository_id', 'digest'])
            .doUpdateSet({ media_type: mediaType, pushed_at: now }),
        )
        .execute();
      await new RepositorySizes(tx).updateManifest(repositoryId, digest);
      await noteSubject(tx, repositoryId, digest, null);
    });
  }

  /**
   * With its tags, by whoever holds the repository. All that it held, its referrers and its payload are put up for review.
   * False when the repository had no such manifest.
   */
  remove(repositoryId: number, digest: Digest): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('repository_manifests')
        .where('repository_id', '=', repositoryId)
        .where('digest', '=', digest)
        .executeTakeFirstOrThrow();
      if (numDeletedRows === 0n) return false;
      const reviews = this.#reviews.within(tx);
      const referrers = await noteSubject(tx, repositoryId, digest, this.#now());
      const references = await listReferences(tx, digest);
      const digests = references.map((each) => each.digest);
      // What an index lists may be blobs, and only what there is comes up for review.
      await reviews.addLinks(repositoryId, digests, 'manifest_delete');
      await reviews.addManifests(repositoryId, [...digests, ...referrers], 'manifest_delete');
      await reviews.addPayloads([digest], 'manifest_delete');
      return true;
    });
  }

  /** What is put up for review when it goes: what it refers to, and its referrers. */
  async listHeld(repositoryId: number, digest: Digest): Promise<readonly Digest[]> {
    const references = await listReferences(this.#db, digest);
    const referrers = await this.#db
      .selectFrom('repository_manifests')
      .select('digest')
      .where('repository_id', '=', repositoryId)
      .where('subject', '=', digest)
      .execute();
    return [...references.map((each) => each.digest), ...referrers.map((row) => row.digest as Digest)];
  }

  /** When it was pushed or pulled last; undefined when the repository has no such manifest. Epoch milliseconds. */
  async findUse(
    repositoryId: number,
    digest: Digest,
  ): Promise<
    | { readonly usedAt: number; readonly subject: Digest | undefined; readonly subjectGone: boolean }
    | undefined
  > {
    const row = await this.#db
      .selectFrom('repository_manifests')
      .select(['created_at', 'pushed_at', 'pulled_at', 'subject', 'subject_gone_at'])
      .where('repository_id', '=', repositoryId)
      .where('digest', '=', digest)
      .executeTakeFirst();
    return (
      row && {
        usedAt: Math.max(row.created_at, row.pushed_at ?? 0, row.pulled_at ?? 0),
        subject: (row.subject ?? undefined) as Digest | undefined,
        subjectGone: row.subject_gone_at !== null,
      }
    );
  }

  /** Those that the repository does not have, in their order. The others cannot go until the transaction ends. */
  listMissing(repositoryId: number, digests: readonly Digest[]): Promise<readonly Digest[]> {
    return listUnlinked(this.#db, 'repository_manifests', repositoryId, digests);
  }

  /** Whether an index of this repository refers to it. */
  isReferenced(repositoryId: number, digest: Digest): Promise<boolean> {
    return isReferencedAs(this.#db, ['manifest'], repositoryId, digest);
  }

  /** The manifests of this repository that say they belong to `subject`, oldest first. */
  async listReferrers(repositoryId: number, subject: Digest): Promise<readonly ReferrerDescriptor[]> {
    const rows = await this.#db
      .selectFrom('repository_manifests as referrer')
      .innerJoin('manifests', 'manifests.digest', 'referrer.digest')
      .select(['referrer.digest', 'referrer.media_type', 'referrer.artifact_type', 'referrer.annotations'])
      .select('manifests.size')
      .where('referrer.repository_id', '=', repositoryId)
      .where('referrer.subject', '=', subject)
      .orderBy('referrer.created_at')
      .orderBy('referrer.digest')
      .execute();
    return rows.map((row) => ({
      mediaType: row.media_type,
      digest: row.digest as Digest,
      size: row.size,
      ...(row.artifact_type === null ? {} : { artifactType: row.artifact_type }),
      ...(row.annotations === null
        ? {}
        : { annotations: annotationsSchema.parse(JSON.parse(row.annotations)) }),
    }));
  }
}

/** Digests were parsed before they were recorded. */
function fromRow(
  row: Pick<Selectable<Tables['repository_manifests']>, 'digest' | 'media_type'> &
    Pick<Selectable<Tables['manifests']>, 'payload'>,
): HostedManifest {
  return { digest: row.digest as Digest, mediaType: row.media_type, payload: bufferOf(row.payload) };
}

/** Whether it is there, for those that say they belong to it: which ones. @param goneAt null: it is there */
async function noteSubject(
  tx: Kysely<Tables>,
  repositoryId: number,
  subject: Digest,
  goneAt: number | null,
): Promise<Digest[]> {
  const rows = await tx
    .updateTable('repository_manifests')
    .set({ subject_gone_at: goneAt })
    .where('repository_id', '=', repositoryId)
    .where('subject', '=', subject)
    .where('subject_gone_at', goneAt === null ? 'is not' : 'is', null)
    .returning('digest')
    .execute();
  return rows.map(({ digest }) => digest as Digest);
}
