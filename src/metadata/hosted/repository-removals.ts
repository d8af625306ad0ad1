/** Repositories that are on their way out: what of them goes, a part at a time, so that nobody waits long for the records. */
import type { Kysely } from 'kysely';
import type { Digest } from '../../oci/digest.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';
import type { RepositoryStatus } from './repositories.ts';

export class RepositoryRemovals {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Repositories that are to be deleted, in the order they were made. */
  list(): Promise<
    readonly {
      readonly id: number;
      readonly projectId: number;
      readonly name: string;
      readonly failures: number;
    }[]
  > {
    return this.#db
      .selectFrom('repositories')
      .select(['id', 'projectId', 'name', 'deleteFailures as failures'])
      .where('status', 'in', ['delete_scheduled', 'delete_ongoing'])
      .orderBy('id')
      .execute();
  }

  /** @param failures so far. @returns false when there is no such repository */
  async mark(repositoryId: number, status: RepositoryStatus, failures: number): Promise<boolean> {
    const { numUpdatedRows } = await this.#db
      .updateTable('repositories')
      .set({ status, deleteFailures: failures })
      .where('id', '=', repositoryId)
      .executeTakeFirstOrThrow();
    return numUpdatedRows > 0n;
  }

  /** Removes up to so many of the manifests of these repositories, with their tags. Returns their digests. */
  removeManifests(repositoryIds: readonly number[], limit: number): Promise<readonly Digest[]> {
    return this.#remove('repositoryManifests', repositoryIds, limit);
  }

  /** Removes up to so many of their links of blobs. Returns their digests. */
  removeBlobs(repositoryIds: readonly number[], limit: number): Promise<readonly Digest[]> {
    return this.#remove('repositoryBlobs', repositoryIds, limit);
  }

  async #remove(
    table: 'repositoryManifests' | 'repositoryBlobs',
    repositoryIds: readonly number[],
    limit: number,
  ): Promise<readonly Digest[]> {
    const rows = await this.#db
      .deleteFrom(table)
      .where(({ eb, refTuple }) =>
        eb(
          refTuple('repositoryId', 'digest'),
          'in',
          eb
            .selectFrom(table)
            .select(['repositoryId', 'digest'])
            .where('repositoryId', 'in', repositoryIds)
            .orderBy('repositoryId')
            .orderBy('digest')
            .limit(limit)
            .$asTuple('repositoryId', 'digest'),
        ),
      )
      .returning('digest')
      .execute();
    return rows.map(({ digest }) => digest);
  }

  /** Removes repositories that link nothing and are held, so that nobody links anything. */
  async removeAll(repositoryIds: readonly number[]): Promise<void> {
    await this.#db.deleteFrom('repositories').where('id', 'in', repositoryIds).execute();
  }

  /** Removes the repository when it links nothing any more; nobody can link anything until the transaction ends. False when it does. */
  removeEmpty(repositoryId: number): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      await tx.selectFrom('repositories').select('id').where('id', '=', repositoryId).forUpdate().execute();
      for (const table of ['repositoryManifests', 'repositoryBlobs'] as const) {
        const query = tx.selectFrom(table).select('digest').where('repositoryId', '=', repositoryId).limit(1);
        if (await query.executeTakeFirst()) return false;
      }
      await tx.deleteFrom('repositories').where('id', '=', repositoryId).execute();
      return true;
    });
  }
}
