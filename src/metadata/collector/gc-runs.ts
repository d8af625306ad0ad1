/** What the collector removed, one process and one go at a time, for people to see. */
import type { Kysely, Selectable } from 'kysely';
import type { Tables } from '../db/tables.ts';

export interface GcCounts {
  /** Reviews that were decided. */
  readonly reviewed: number;
  readonly manifests: number;
  /** Of blobs, in repositories. */
  readonly links: number;
  readonly blobs: number;
  /** Of the blobs. */
  readonly bytes: number;
  readonly payloads: number;
  /** Reviews that could not be decided, and bytes that could not be deleted. */
  readonly failed: number;
}

export interface GcRun extends GcCounts {
  /** Epoch milliseconds. */
  readonly startedAt: number;
  readonly endedAt: number;
}

const keptMs = 30 * 24 * 60 * 60 * 1000;

export class GcRuns {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Those of more than a month ago are forgotten. */
  async add({ startedAt, endedAt, ...counts }: GcRun): Promise<void> {
    await this.#db
      .deleteFrom('gcRuns')
      .where('startedAt', '<', endedAt - keptMs)
      .execute();
    await this.#db
      .insertInto('gcRuns')
      .values({ ...counts, startedAt, endedAt })
      .execute();
  }

  /** The last ones first. */
  async list(limit: number): Promise<readonly GcRun[]> {
    const query = this.#db.selectFrom('gcRuns').selectAll().orderBy('id', 'desc').limit(limit);
    return (await query.execute()).map(fromRow);
  }

  /** Of a month. */
  async sum(): Promise<GcCounts> {
    const row = await this.#db
      .selectFrom('gcRuns')
      .select((eb) =>
        (['reviewed', 'manifests', 'links', 'blobs', 'bytes', 'payloads', 'failed'] as const).map((column) =>
          eb.fn.sum<number | string | null>(column).as(column),
        ),
      )
      .executeTakeFirstOrThrow();
    const count = (value: number | string | null) => Number(value ?? 0);
    return {
      reviewed: count(row.reviewed),
      manifests: count(row.manifests),
      links: count(row.links),
      blobs: count(row.blobs),
      bytes: count(row.bytes),
      payloads: count(row.payloads),
      failed: count(row.failed),
    };
  }
}

function fromRow(row: Selectable<Tables['gcRuns']>): GcRun {
  const { id: _, startedAt, endedAt, ...counts } = row;
  return { startedAt, endedAt, ...counts };
}
