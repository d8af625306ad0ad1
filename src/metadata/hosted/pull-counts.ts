/** How often and when last manifests that were pushed to us are pulled, and the tags that they are pulled by. */
import { type Kysely, sql } from 'kysely';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';

export interface Pulls {
  readonly repositoryId: number;
  /** The digest of the manifest. */
  readonly digest: string;
  /** The tag that it was pulled by; undefined: it was pulled by its digest. */
  readonly tag: string | undefined;
  readonly count: number;
  /** Epoch milliseconds. */
  readonly lastAt: number;
}

export class PullCounts {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Adds the pulls in one transaction. What is gone meanwhile is passed over; a tag that was moved meanwhile was pulled all the same. */
  record(pulls: readonly Pulls[]): Promise<void> {
    const manifests = summed(pulls, ({ repositoryId, digest }) => [repositoryId, digest]);
    const tags = summed(
      pulls.filter(({ tag }) => tag !== undefined),
      ({ repositoryId, tag = '' }) => [repositoryId, tag],
    );
    const repositories = summed(pulls, ({ repositoryId }) => [repositoryId, '']);
    return inTransaction(this.#db, async (tx) => {
      for (const batch of inBatches(repositories))
        await sql`
          update repositories
          set pulled_at = case when pulled_at > added.column4 then pulled_at else added.column4 end
          from (values ${valuesOf(batch)}) as added
          where repositories.id = added.column1`.execute(tx);
      for (const batch of inBatches(manifests)) await add(tx, 'repositoryManifests', 'digest', batch);
      for (const batch of inBatches(tags)) await add(tx, 'tags', 'name', batch);
    });
  }
}

interface Sum {
  readonly repositoryId: number;
  readonly key: string;
  readonly count: number;
  readonly lastAt: number;
}

async function add(
  tx: Kysely<Tables>,
  table: 'repositoryManifests' | 'tags',
  key: 'digest' | 'name',
  batch: readonly Sum[],
): Promise<void> {
  // Both databases call the columns of a list of values column1, column2, …
  await sql`
    update ${sql.table(table)}
    set pulls_count = pulls_count + added.column3,
        pulled_at = case when pulled_at > added.column4 then pulled_at else added.column4 end
    from (values ${valuesOf(batch)}) as added
    where ${sql.ref(`${table}.repository_id`)} = added.column1
      and ${sql.ref(`${table}.${key}`)} = added.column2`.execute(tx);
}

function valuesOf(batch: readonly Sum[]) {
  return sql.join(
    batch.map(
      ({ repositoryId, key, count, lastAt }) =>
        sql`(cast(${repositoryId} as bigint), ${key}, cast(${count} as bigint), cast(${lastAt} as bigint))`,
    ),
  );
}

/** Sums pulls by key, in one order: two that are recorded at once do not wait for each other's rows forever. */
function summed(pulls: readonly Pulls[], keyOf: (pull: Pulls) => readonly [number, string]): readonly Sum[] {
  const sums = new Map<string, Sum>();
  for (const pull of pulls) {
    const [repositoryId, key] = keyOf(pull);
    const id = `${repositoryId} ${key}`;
    const known = sums.get(id);
    sums.set(id, {
      repositoryId,
      key,
      count: pull.count + (known?.count ?? 0),
      lastAt: Math.max(pull.lastAt, known?.lastAt ?? 0),
    });
  }
  return [...sums].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, sum]) => sum);
}
