/**
 * What may be of use to nobody, for the collector to look at: enqueued in the transaction of whatever may have made it so. Bytes and
 * payloads are not removed here.
 */
import { type Expression, type Kysely, type SqlBool, sql } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';
import { below } from '../namespaces/below.ts';
import {
  enqueue,
  enqueueAgain,
  type ReviewEvent,
  type ReviewQueueName,
  type ReviewTimes,
} from './enqueue-reviews.ts';

export class Reviews {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #times: ReviewTimes;

  constructor(db: Kysely<Tables>, times: ReviewTimes, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#times = times;
  }

  /** The same in a transaction. */
  within(tx: Kysely<Tables>): Reviews {
    return new Reviews(tx, this.#times);
  }

  /** Puts up the blobs that have a record. */
  addBlobs(digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return this.#addDigests('blobs', 'blobReviews', digests, event);
  }

  /** Puts up the payloads that there are of these manifests. */
  addPayloads(digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return this.#addDigests('manifests', 'payloadReviews', digests, event);
  }

  #addDigests(
    table: 'blobs' | 'manifests',
    queue: ReviewQueueName,
    digests: readonly Digest[],
    event: ReviewEvent,
  ): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      for (const batch of inBatches(inOneOrder(digests))) {
        const known = tx.selectFrom(table).select('digest').where('digest', 'in', batch);
        await enqueue(tx, this.#times, queue, known, event);
      }
    });
  }

  /** Puts up the links of those of the blobs that this repository links. */
  addLinks(repositoryId: number, digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return this.#addOfRepository('repositoryBlobs', 'linkReviews', repositoryId, digests, event);
  }

  /** Puts up those of the manifests that this repository has. */
  addManifests(repositoryId: number, digests: readonly Digest[], event: ReviewEvent): Promise<void> {
    return this.#addOfRepository('repositoryManifests', 'manifestReviews', repositoryId, digests, event);
  }

  /**
   * Puts up all manifests of this repository that no tag names, for now: what is known of them may come of another rule. One that waits
   * because of an event is left alone.
   */
  async addUntagged(repositoryId: number): Promise<void> {
    const untagged = this.#untagged(repositoryId).forKeyShare();
    await enqueueAgain(this.#db, this.#times, 'manifestReviews', untagged, 'untagged');
  }

  /** The manifests that {@link addUntagged} would put up. */
  async listUntagged(repositoryId: number): Promise<readonly Digest[]> {
    const rows = await this.#untagged(repositoryId)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('manifestReviews as waiting')
              .select('waiting.digest')
              .whereRef('waiting.repositoryId', '=', 'untagged.repositoryId')
              .whereRef('waiting.digest', '=', 'untagged.digest')
              .where('waiting.event', '<>', 'untagged'),
          ),
        ),
      )
      .orderBy('untagged.digest')
      .execute();
    return rows.map(({ digest }) => digest);
  }

  #untagged(repositoryId: number) {
    return this.#reading
      .selectFrom('repositoryManifests as untagged')
      .select(['untagged.repositoryId', 'untagged.digest'])
      .where('untagged.repositoryId', '=', repositoryId)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('tags')
              .select('tags.name')
              .whereRef('tags.repositoryId', '=', 'untagged.repositoryId')
              .whereRef('tags.digest', '=', 'untagged.digest'),
          ),
        ),
      );
  }

  #addOfRepository(
    table: 'repositoryBlobs' | 'repositoryManifests',
    queue: ReviewQueueName,
    repositoryId: number,
    digests: readonly Digest[],
    event: ReviewEvent,
  ): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      for (const batch of inBatches(inOneOrder(digests))) {
        const known = tx
          .selectFrom(table)
          .select(['repositoryId', 'digest'])
          .where('repositoryId', '=', repositoryId)
          .where('digest', 'in', batch)
          // This waits for one that the collector removes at this moment, and leaves it out.
          .forKeyShare();
        await enqueue(tx, this.#times, queue, known, event);
      }
    });
  }

  /** Puts up what these entries link. Whoever removes or switches them does so next in the same transaction. */
  async addEntries(
    which: (entry: {
      readonly id: Expression<number>;
      readonly groupId: Expression<number>;
    }) => Expression<SqlBool>,
    event: ReviewEvent,
  ): Promise<void> {
    await inTransaction(this.#db, async (tx) => {
      for (const [kinds, table, queue] of ofEntries) {
        const linked = tx
          .selectFrom('cacheEntries')
          .select('cacheEntries.digest')
          .distinct()
          .where('cacheEntries.kind', 'in', kinds)
          .where(
            sql<SqlBool>`exists (select 1 from ${sql.table(table)} as content where content.digest = cache_entries.digest)`,
          )
          .where((eb) =>
            which({
              id: eb.ref('cacheEntries.id'),
              groupId: eb.ref('cacheEntries.groupId'),
            }),
          );
        await enqueue(tx, this.#times, queue, linked, event);
      }
    });
  }

  /**
   * Puts up all that the project's repositories link. Whoever removes it does so next in the same transaction. Pushes lock what they push
   * to before they ask for a review, so the project and its repositories are locked here before anything is noted.
   */
  addProject(projectId: number): Promise<void> {
    return this.#addLinked((id) => sql<SqlBool>`${id} = ${projectId}`, 'project_delete');
  }

  /** As {@link addProject} for all projects in the group of this full path and in its subgroups; and what their upstreams' entries link. */
  async addGroup(fullPath: string): Promise<void> {
    await inTransaction(this.#db, async (tx) => {
      const reviews = this.within(tx);
      const groups = tx
        .selectFrom('groups')
        .select('id')
        .where((eb) => eb.or([eb('fullPath', '=', fullPath), below(eb.ref('fullPath'), fullPath)]));
      await groups.orderBy('id').forUpdate().execute();
      await reviews.#addLinked((_, path) => below(path, fullPath), 'project_delete');
      await reviews.addEntries(({ groupId }) => sql<SqlBool>`${groupId} in ${groups}`, 'upstream_delete');
    });
  }

  #addLinked(
    isRemoved: (projectId: Expression<number>, fullPath: Expression<string>) => Expression<SqlBool>,
    event: ReviewEvent,
  ): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const projects = tx
        .selectFrom('projects')
        .select('projects.id')
        .where((eb) => isRemoved(eb.ref('projects.id'), eb.ref('projects.fullPath')));
      await projects.orderBy('projects.id').forUpdate().execute();
      const repositories = tx
        .selectFrom('repositories')
        .select('repositories.id')
        .where('repositories.projectId', 'in', projects);
      await repositories.orderBy('repositories.id').forUpdate().execute();
      for (const [table, queue] of ofRepositories) {
        const linked = tx
          .selectFrom(table)
          .select('digest')
          .distinct()
          .where('repositoryId', 'in', repositories);
        await enqueue(tx, this.#times, queue, linked, event);
      }
    });
  }
}

/** What entries of these kinds link. */
const ofEntries = [
  [['blob'], 'blobs', 'blobReviews'],
  [['manifest', 'referrers'], 'manifests', 'payloadReviews'],
] as const;

const ofRepositories = [
  ['repositoryBlobs', 'blobReviews'],
  ['repositoryManifests', 'payloadReviews'],
] as const;

/** All lock in this order: two transactions that wait for each other's rows would wait forever. */
function inOneOrder(digests: readonly Digest[]): Digest[] {
  return [...new Set(digests)].sort();
}
