/** What the collector removed, one process and one go at a time, for people to see. */
import type { Generated, Kysely } from 'kysely';
import { sumOf } from '../db/sum.ts';
import type { RecordOf, Tables } from '../db/tables.ts';

/** index on startedAt */
export interface GcRunTable {
  id: Generated<number>;
  startedAt: number;
  endedAt: number;
  /** Reviews that were decided. */
  reviewed: number;
  manifests: number;
  /** Links of blobs in repositories. */
  links: number;
  blobs: number;
  /** The size of the blobs. */
  bytes: number;
  payloads: number;
  /** Reviews that could not be decided, and bytes that could not be deleted. */
  failed: number;
}

export type GcRun = Omit<RecordOf<GcRunTable>, 'id'>;
export type GcCounts = Omit<GcRun, 'startedAt' | 'endedAt'>;

const counts = ['reviewed', 'manifests', 'links', 'blobs', 'bytes', 'payloads', 'failed'] as const;
const keptMs = 30 * 24 * 60 * 60 * 1000;

export class GcRuns {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** Those of more than a month ago are forgotten. */
  async add(run: GcRun): Promise<void> {
    await this.#db
      .deleteFrom('gcRuns')
      .where('startedAt', '<', run.endedAt - keptMs)
      .execute();
    await this.#db.insertInto('gcRuns').values(run).execute();
  }

  /** The last ones first. */
  list(limit: number): Promise<readonly GcRun[]> {
    const query = this.#db.selectFrom('gcRuns').select(['startedAt', 'endedAt', ...counts]);
    return query.orderBy('id', 'desc').limit(limit).execute();
  }

  /** The sum of the runs that are kept, which is a month. */
  sum(): Promise<GcCounts> {
    return this.#db
      .selectFrom('gcRuns')
      .select((eb) => counts.map((column) => sumOf(eb.ref(column)).as(column)))
      .executeTakeFirstOrThrow();
  }
}
