/** Which blobs are readable through which repository, and how many bytes that makes. */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import type { ReviewTimes } from '../collector/enqueue-reviews.ts';
import { Reviews } from '../collector/reviews.ts';
import { type BlobRecord, blobColumns, keepRecord } from '../content/blobs.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { PreparedReads } from '../db/prepared.ts';
import { sumOf } from '../db/sum.ts';
import type { Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';
import { isReferencedAs, listUnlinked } from './repository-links.ts';

/** What a client was told exists stays at least for so long, or for the delay of reviews where that is shorter. */
const leaseMs = 60 * 60 * 1000;

/** The link that makes a blob readable through a repository. primary key (repositoryId, digest); a linked blob keeps its record */
export interface RepositoryBlobTable {
  repositoryId: number;
  digest: Digest;
  createdAt: number;
}

/** What a link is found by. */
type LinkKey = { readonly repositoryId: number; readonly digest: Digest };

export class RepositoryBlobs {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #times: ReviewTimes;
  readonly #linked: (key: LinkKey) => Promise<readonly BlobRecord[]>;

  constructor(db: Kysely<Tables>, times: ReviewTimes, reads: PreparedReads, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#times = times;
    this.#linked = reads.prepare<LinkKey, BlobRecord>('blob of repository', (value) =>
      db
        .selectFrom('repositoryBlobs')
        .innerJoin('blobs', 'blobs.digest', 'repositoryBlobs.digest')
        .select(blobColumns)
        .where('repositoryBlobs.repositoryId', '=', value('repositoryId'))
        .where('repositoryBlobs.digest', '=', value('digest')),
    );
  }

  /** Undefined where the repository does not link it, whatever others do. */
  async find(repositoryId: number, digest: Digest): Promise<BlobRecord | undefined> {
    return (await this.#linked({ repositoryId, digest }))[0];
  }

  /**
   * As {@link find}, for whoever tells a client that the repository has it, who may then push a manifest that relies on it: where the
   * link would be looked at within the hour, that is postponed. Else nothing is written. Undefined where its bytes were found wrong, too,
   * so that they are pushed again.
   */
  async confirm(repositoryId: number, digest: Digest): Promise<BlobRecord | undefined> {
    const { now, delayMs } = this.#times;
    const due = await this.#db
      .selectFrom('linkReviews')
      .select('reviewAfter')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .executeTakeFirst();
    if (due && due.reviewAfter < now() + Math.min(leaseMs, delayMs()))
      await new Reviews(this.#db, this.#times).addLinks(repositoryId, [digest], 'blob_head');
    // By now whoever was looking at it is done.
    const record = await this.find(repositoryId, digest);
    return record && (await this.#isBad(record)) ? undefined : record;
  }

  /** Whether the copy was found to be gone, or of other bytes. */
  async #isBad({ storageKey }: BlobRecord): Promise<boolean> {
    const found = await this.#db
      .selectFrom('storageFindings')
      .select('id')
      .where('storageKey', '=', storageKey)
      .where('state', '=', 'open')
      .where('kind', 'in', ['corrupt', 'missing'])
      .executeTakeFirst();
    return found !== undefined;
  }

  /**
   * Makes, in one transaction, the blob's record where `blob` is given and there is none, and the link; a link that exists stays. Returns
   * the record that is kept: another copy may have been recorded first.
   * @throws MissingOwner when the repository is gone, MissingContent when there is no record in the end
   */
  link(repositoryId: number, digest: Digest, blob?: BlobRecord): Promise<BlobRecord> {
    return inTransaction(this.#db, async (tx) => {
      const record = await keepRecord(tx, digest, blob);
      await tx
        .insertInto('repositoryBlobs')
        .values({ repositoryId, digest, createdAt: this.#times.now() })
        .onConflict((conflict) => conflict.columns(['repositoryId', 'digest']).doNothing())
        .execute();
      return record;
    });
  }

  /** Removes the link alone: the bytes may have others. False when there was none. */
  async unlink(repositoryId: number, digest: Digest): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('repositoryBlobs')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** Makes pushes that rely on the link wait for the transaction's end. False when there is none. */
  async hold(repositoryId: number, digest: Digest): Promise<boolean> {
    const row = await this.#db
      .selectFrom('repositoryBlobs')
      .select('digest')
      .where('repositoryId', '=', repositoryId)
      .where('digest', '=', digest)
      .forUpdate()
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The digests that the repository does not link, in their order. Links of the others cannot go until the transaction ends. */
  listMissing(repositoryId: number, digests: readonly Digest[]): Promise<readonly Digest[]> {
    return listUnlinked(this.#db, 'repositoryBlobs', repositoryId, digests);
  }

  /** Whether a manifest of this repository has it as its config or a layer. */
  isReferenced(repositoryId: number, digest: Digest): Promise<boolean> {
    return isReferencedAs(this.#db, ['config', 'layer'], repositoryId, digest);
  }

  /** The size of all blobs that the project's repositories link, each counted once. */
  bytesOfProject(projectId: number): Promise<number> {
    return this.#bytesOf((id) => sql<SqlBool>`${id} = ${projectId}`);
  }

  /** The sum over the projects of the group of this full path and of its subgroups. */
  bytesOfGroup(fullPath: string): Promise<number> {
    return this.#bytesOf((_, path) => below(path, fullPath));
  }

  async #bytesOf(
    isCounted: (projectId: Expression<number>, fullPath: Expression<string>) => Expression<SqlBool>,
  ): Promise<number> {
    const { bytes } = await this.#reading
      .selectFrom((eb) =>
        eb
          .selectFrom('projects')
          .innerJoin('repositories', 'repositories.projectId', 'projects.id')
          .innerJoin('repositoryBlobs', 'repositoryBlobs.repositoryId', 'repositories.id')
          .select(['projects.id', 'repositoryBlobs.digest'])
          .distinct()
          .where((where) => isCounted(where.ref('projects.id'), where.ref('projects.fullPath')))
          .as('linked'),
      )
      .innerJoin('blobs', 'blobs.digest', 'linked.digest')
      .select((eb) => sumOf(eb.ref('blobs.size')).as('bytes'))
      .executeTakeFirstOrThrow();
    return bytes;
  }

  /** How much more the project has when it links this blob: `size`, or 0 where one of its repositories has it already. */
  async bytesToAdd(projectId: number, digest: Digest, size: number): Promise<number> {
    const row = await this.#db
      .selectFrom('repositoryBlobs')
      .innerJoin('repositories', 'repositories.id', 'repositoryBlobs.repositoryId')
      .select('repositoryBlobs.digest')
      .where('repositoryBlobs.digest', '=', digest)
      .where('repositories.projectId', '=', projectId)
      .limit(1)
      .executeTakeFirst();
    return row ? 0 : size;
  }
}
