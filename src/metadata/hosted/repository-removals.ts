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

  /** Removes up to so many of its manifests, with their tags. Returns their digests. */
  removeManifests(repositoryId: number, limit: number): Promise<readonly Digest[]> {
    return this.#remove('repositoryManifests', repositoryId, limit);
  }

  /** Removes up to so many of its links of blobs. Returns their digests. */
  removeBlobs(repositoryId: number, limit: number): Promise<readonly Digest[]> {
    return this.#remove('repositoryBlobs', repositoryId, limit);
  }

  async #remove(
    table: 'repositoryManifests' | 'repositoryBlobs',
    repositoryId: number,
    limit: number,
  ): Promise<readonly Digest[]> {
    const rows = await this.#db
      .deleteFrom(table)
      .where('repositoryId', '=', repositoryId)
      .where('digest', 'in', (eb) =>
        eb
          .selectFrom(table)
          .select('digest')
          .where('repositoryId', '=', repositoryId)
          .orderBy('digest')
          .limit(limit),
      )
      .returning('digest')
      .execute();
    return rows.map(({ digest }) => digest);
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
