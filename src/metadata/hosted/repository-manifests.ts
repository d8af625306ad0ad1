/** Which manifests are readable through which repository, and what they are there. */
import type { Generated, Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { ManifestReference } from '../../oci/manifest.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ReferrerDescriptor } from '../../oci/repository.ts';
import type { Reviews } from '../collector/reviews.ts';
import { bufferOf, listReferences, storePayload } from '../content/manifest-payloads.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { PreparedReads } from '../db/prepared.ts';
import type { Optional, Tables } from '../db/tables.ts';
import { isReferencedAs, listUnlinked } from './repository-links.ts';
import { RepositorySizes } from './repository-sizes.ts';

/** The link that makes a manifest readable through a repository; see {@link RepositoryBlobTable}. index (repositoryId, subject) */
export interface RepositoryManifestTable {
  repositoryId: number;
  digest: Digest;
  mediaType: string;
  /** The digest of what it says it belongs to, whether or not that exists. */
  subject: Optional<Digest>;
  artifactType: Optional<string>;
  /** Annotations are kept where there is a subject, for the list of referrers. */
  annotations: Optional<Annotations>;
  createdAt: number;
  /** The size of the blobs that make it up, each counted once. */
  sizeBytes: Generated<number>;
  pulledAt: Optional<number>;
  pullsCount: Generated<number>;
  /** When it was pushed last; undefined: when it was created. */
  pushedAt: Optional<number>;
  /** When its subject went from this repository; undefined: it is there, or never was. */
  subjectGoneAt: Optional<number>;
}

type Annotations = Readonly<Record<string, string>>;

export interface HostedManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  /** The bytes that were pushed. */
  readonly payload: Buffer;
}

type FoundManifest = Omit<HostedManifest, 'payload'> & { readonly payload: Uint8Array };

export interface NewHostedManifest extends HostedManifest {
  readonly references: readonly ManifestReference[];
  /** What it says it belongs to, whether or not that exists. */
  readonly subject: Digest | undefined;
  readonly artifactType: string | undefined;
  /** Annotations are kept only where there is a subject. */
  readonly annotations: Readonly<Record<string, string>> | undefined;
}

export class RepositoryManifests {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #now: () => number;
  readonly #reviews: Reviews;
  readonly #find: (key: {
    readonly id: number;
    readonly digest: Digest;
  }) => Promise<readonly FoundManifest[]>;
  readonly #findByTag: (key: { readonly id: number; readonly tag: Tag }) => Promise<readonly FoundManifest[]>;

  constructor(
    db: Kysely<Tables>,
    now: () => number,
    { reads, reviews }: { readonly reads: PreparedReads; readonly reviews: Reviews },
    reading = db,
  ) {
    this.#db = db;
    this.#reading = reading;
    this.#now = now;
    this.#reviews = reviews;
    const withPayload = db
      .selectFrom('repositoryManifests as link')
      .innerJoin('manifests', 'manifests.digest', 'link.digest')
      .select(['link.digest', 'link.mediaType', 'manifests.payload']);
    this.#find = reads.prepare('manifest of repository', (value) =>
      withPayload.where('link.repositoryId', '=', value('id')).where('link.digest', '=', value('digest')),
    );
    this.#findByTag = reads.prepare('manifest of tag', (value) =>
      withPayload
        .innerJoin('tags', (join) =>
          join.onRef('tags.repositoryId', '=', 'link.repositoryId').onRef('tags.digest', '=', 'link.digest'),
        )
        .where('tags.repositoryId', '=', value('id'))
        .where('tags.name', '=', value('tag')),
    );
  }

  /** Undefined where the repository does not have it, whatever others do. */
  async find(repositoryId: number, digest: Digest): Promise<HostedManifest | undefined> {
    const [found] = await this.#find({ id: repositoryId, digest });
    return found && hosted(found);
  }

  async findByTag(repositoryId: number, tag: Tag): Promise<HostedManifest | undefined> {
    const [found] = await this.#findByTag({ id: repositoryId, tag });
    return found && hosted(found);
  }

  /**
   * Stores, in one transaction, payload and references once by digest, and the link. Where the repository has the manifest, its media type
   * is switched, the push is noted, and the rest stays.
   * @throws MissingOwner when the repository is gone
   */
  save(repositoryId: number, manifest: NewHostedManifest): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const { digest, mediaType, payload, references, subject, artifactType, annotations } = manifest;
      await storePayload(tx, digest, payload, references, now);
      await tx
        .insertInto('repositoryManifests')
        .values({
          repositoryId,
          digest,
          mediaType,
          subject,
          artifactType,
          annotations: subject && annotations,
          createdAt: now,
          pushedAt: now,
        })
        .onConflict((conflict) =>
          conflict.columns(['repositoryId', 'digest']).doUpdateSet({ mediaType, pushedAt: now }),
        )
        .execute();
      await new RepositorySizes(tx).updateManifest(repositoryId, digest);
      await noteSubject(tx, repositoryId, digest, null);
    });
  }

  /**
   * Whoever holds the repository removes a manifest with its tags. All that it held, its referrers and its payload are put up for review.
   * False when the repository had no such manifest.
   */
  remove(repositoryId: number, digest: Digest): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const { numDeletedRows } = await tx
        .deleteFrom('repositoryManifests')
        .where('repositoryId', '=', repositoryId)
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
      .selectFrom('repositoryManifests')
      .select('digest')
      .where('repositoryId', '=', repositoryId)
      .where('subject', '=', digest)
      .execute();
    return [...references, ...referrers].map(({ digest: held }) => held);
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
      .selectFrom('repositoryManifests')
      .select(['createdAt', 'pushedAt', 'pulledAt', 'subject', 'subjectGoneAt'])
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .executeTakeFirst();
    return (
      row && {
        usedAt: Math.max(row.createdAt, row.pushedAt ?? 0, row.pulledAt ?? 0),
        subject: row.subject,
        subjectGone: row.subjectGoneAt !== undefined,
      }
    );
  }

  /** The digests that the repository does not have, in their order. The others cannot go until the transaction ends. */
  listMissing(repositoryId: number, digests: readonly Digest[]): Promise<readonly Digest[]> {
    return listUnlinked(this.#db, 'repositoryManifests', repositoryId, digests);
  }

  /** Whether an index of this repository refers to it. */
  isReferenced(repositoryId: number, digest: Digest): Promise<boolean> {
    return isReferencedAs(this.#db, ['manifest'], repositoryId, digest);
  }

  /** The manifests of this repository that say they belong to `subject`, oldest first. */
  async listReferrers(repositoryId: number, subject: Digest): Promise<readonly ReferrerDescriptor[]> {
    const rows = await this.#reading
      .selectFrom('repositoryManifests as referrer')
      .innerJoin('manifests', 'manifests.digest', 'referrer.digest')
      .select(['referrer.digest', 'referrer.mediaType', 'referrer.artifactType', 'referrer.annotations'])
      .select('manifests.size')
      .where('referrer.repositoryId', '=', repositoryId)
      .where('referrer.subject', '=', subject)
      .orderBy('referrer.createdAt')
      .orderBy('referrer.digest')
      .execute();
    return rows.map(({ artifactType, annotations, ...referrer }) => ({
      ...referrer,
      ...(artifactType !== undefined && { artifactType }),
      ...(annotations && { annotations }),
    }));
  }
}

function hosted({ payload, ...manifest }: FoundManifest): HostedManifest {
  return { ...manifest, payload: bufferOf(payload) };
}

/**
 * Notes on the manifests that say they belong to a subject whether it is there. Returns those for which that is new.
 * @param goneAt null: it is there
 */
async function noteSubject(
  tx: Kysely<Tables>,
  repositoryId: number,
  subject: Digest,
  goneAt: number | null,
): Promise<Digest[]> {
  const rows = await tx
    .updateTable('repositoryManifests')
    .set({ subjectGoneAt: goneAt })
    .where('repositoryId', '=', repositoryId)
    .where('subject', '=', subject)
    .where('subjectGoneAt', goneAt === null ? 'is not' : 'is', null)
    .returning('digest')
    .execute();
  return rows.map(({ digest }) => digest);
}
