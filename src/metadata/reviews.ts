/**
 * What may be of use to nobody, for the collector to look at: enqueued in the transaction of whatever may have made it so. Bytes and
 * payloads are not removed here.
 */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Digest } from '../oci/digest.ts';
import { below } from './below.ts';
import { inBatches } from './in-batches.ts';
import { inTransaction } from './in-transaction.ts';
import type { Tables } from './schema.ts';
import type { ReviewEvent } from './schema-hosted.ts';

export type { ReviewEvent } from './schema-hosted.ts';

/** What a client was told exists can be made use of for so long. */
const reviewDelayMs = 24 * 60 * 60 * 1000;

export class Reviews {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Those of the blobs that have a record; one that waits already is postponed. */
  addBlobs(digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      for (const batch of inBatches(inOneOrder(digests)))
        await this.#add(tx, tx.selectFrom('blobs').select('digest').where('digest', 'in', batch), event);
    });
  }

  /**
   * All blobs that the project links, for whoever removes it next in the same transaction. Pushes lock what they push to before they
   * ask for a review, so the project and its repositories are locked here before anything is noted.
   */
  addProject(projectId: number): Promise<void> {
    return this.#addLinked((id) => sql<SqlBool>`${id} = ${projectId}`);
  }

  /** As {@link addProject} for all projects in the group of this full path and in its subgroups. */
  addGroup(fullPath: string): Promise<void> {
    return this.#addLinked((_, path) => below(path, fullPath));
  }

  #addLinked(
    isRemoved: (projectId: Expression<number>, fullPath: Expression<string>) => Expression<SqlBool>,
  ): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const projects = tx
        .selectFrom('projects')
        .select('projects.id')
        .where((eb) => isRemoved(eb.ref('projects.id'), eb.ref('projects.full_path')));
      await projects.orderBy('projects.id').forUpdate().execute();
      const repositories = tx
        .selectFrom('repositories')
        .select('repositories.id')
        .where('repositories.project_id', 'in', projects);
      await repositories.orderBy('repositories.id').forUpdate().execute();
      const linked = tx
        .selectFrom('repository_blobs')
        .select('digest')
        .distinct()
        .where('repository_id', 'in', repositories);
      await this.#add(tx, linked, 'project_delete');
    });
  }

  async #add(
    db: Kysely<Tables>,
    blobs: Expression<{ readonly digest: string }>,
    event: ReviewEvent,
  ): Promise<void> {
    const now = this.#now();
    await sql`
      insert into blob_reviews (digest, review_after, event, created_at)
      select digest, cast(${now + reviewDelayMs} as bigint), ${event}, cast(${now} as bigint)
      from ${blobs} as due
      where true
      order by digest
      ${postponing('digest')}`.execute(db);
  }

  /** Those of the manifests that this repository has; one that waits already is postponed. */
  addManifests(repositoryId: number, digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      for (const batch of inBatches(inOneOrder(digests)))
        await sql`
          insert into manifest_reviews (repository_id, digest, review_after, event, created_at)
          select repository_id, digest, cast(${now + reviewDelayMs} as bigint), ${event}, cast(${now} as bigint)
          from repository_manifests
          where repository_id = ${repositoryId} and digest in (${sql.join(batch)})
          order by digest
          ${postponing('repository_id, digest')}`.execute(tx);
    });
  }
}

function postponing(key: 'digest' | 'repository_id, digest') {
  return sql`
    on conflict (${sql.raw(key)}) do update
    set review_after = excluded.review_after, event = excluded.event`;
}

/** The same for all: two transactions that wait for each other's rows would wait forever. */
function inOneOrder(digests: readonly Digest[]): Digest[] {
  return [...new Set(digests)].sort();
}
