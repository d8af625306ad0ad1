/** Runs of replication rules: at most one of a rule is open, and all that is to be done is done in it. */
import { type Generated, type Kysely, type SelectQueryBuilder, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { ReplicationTrigger } from './replication-rules.ts';
import type { ReplicationOutcome } from './replication-tags.ts';

/** index on ruleId; of those that are open, unique */
export interface ReplicationRunTable {
  id: Generated<number>;
  ruleId: number;
  /** What opened it. */
  trigger: ReplicationTrigger;
  /** Since when all tags that the rule is for are to be listed; undefined: they need not, or have been. */
  listDueAt: Optional<number>;
  /** How often the other registry could not be reached since it was last. */
  tries: Generated<number>;
  /** Whether all tags that the rule is for were listed. */
  isListed: boolean;
  /** The other registry is not asked before then; epoch milliseconds. */
  pausedUntil: Generated<number>;
  /** Why nothing of it can be done, or it waits. */
  reason: Optional<string>;
  /** Counts what was added, so that no run ends while something comes. */
  version: Generated<number>;
  startedAt: number;
  endedAt: Optional<number>;
}

export type OpenReplicationRun = RecordOf<ReplicationRunTable>;

export interface ReplicationRun extends OpenReplicationRun {
  readonly waiting: number;
  readonly copied: number;
  readonly unchanged: number;
  readonly deleted: number;
  readonly skipped: number;
  readonly failed: number;
  /** Of blobs that were sent, or fetched. */
  readonly bytes: number;
}

/** Of each rule; of those before the last, what did not change is forgotten. */
const keptRuns = 20;

export class ReplicationRuns {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages) {
    this.#db = db;
    this.#now = now;
    this.#pages = pages;
  }

  /** Newest first. */
  list(ruleId: number, page: Page): Promise<Paged<ReplicationRun>> {
    return this.#pages.list(
      this.#select().where('ruleId', '=', ruleId),
      descending('replicationRuns.id'),
      page,
    );
  }

  find(ruleId: number, id: number): Promise<ReplicationRun | undefined> {
    return this.#select()
      .where('ruleId', '=', ruleId)
      .where('replicationRuns.id', '=', id)
      .executeTakeFirst();
  }

  /** Has all that the rule is for listed, in the run that is open or in a new one. Part of a transaction. @returns its number */
  async request(ruleId: number, trigger: ReplicationTrigger): Promise<number> {
    const now = this.#now();
    const id = await openRun(this.#db, ruleId, trigger, now);
    await this.#db
      .updateTable('replicationRuns')
      // Whoever limits our rate is waited for all the same.
      .set((eb) => ({
        listDueAt: now,
        tries: 0,
        pausedUntil: eb.case().when('tries', '>', 0).then(0).else(eb.ref('pausedUntil')).end(),
      }))
      .where('id', '=', id)
      .execute();
    return id;
  }

  listOpen(): Promise<readonly OpenReplicationRun[]> {
    return this.#db
      .selectFrom('replicationRuns')
      .selectAll()
      .where('endedAt', 'is', null)
      .orderBy('id')
      .execute();
  }

  /** The newest before it for which all tags were listed. */
  findListedBefore({ id, ruleId }: OpenReplicationRun): Promise<OpenReplicationRun | undefined> {
    return this.#db
      .selectFrom('replicationRuns')
      .selectAll()
      .where('ruleId', '=', ruleId)
      .where('id', '<', id)
      .where('isListed', '=', true)
      .orderBy('id', 'desc')
      .limit(1)
      .executeTakeFirst();
  }

  async noteListed(id: number): Promise<void> {
    await this.#db
      .updateTable('replicationRuns')
      .set({ listDueAt: null, isListed: true, reason: null })
      .where('id', '=', id)
      .execute();
  }

  /** @param tries how often the other registry could not be reached */
  async pause(id: number, pausedUntil: number, tries: number, reason: string): Promise<void> {
    await this.#db
      .updateTable('replicationRuns')
      .set({ pausedUntil, tries, reason })
      .where('id', '=', id)
      .execute();
  }

  /** The other registry answers. */
  async resume(id: number): Promise<void> {
    await this.#db
      .updateTable('replicationRuns')
      .set({ tries: 0, reason: null })
      .where('id', '=', id)
      .where('tries', '>', 0)
      .execute();
  }

  /** What waits has failed. */
  giveUp(id: number, reason: string): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      await tx.updateTable('replicationRuns').set({ listDueAt: null, reason }).where('id', '=', id).execute();
      await tx
        .updateTable('replicationTags')
        .set({ dueAt: null, outcome: 'failed', reason, endedAt: this.#now() })
        .where('runId', '=', id)
        .where('dueAt', 'is not', null)
        .execute();
    });
  }

  /** Ends it where nothing was added since it was looked at and nothing waits. */
  async end({ id, ruleId, version }: OpenReplicationRun): Promise<boolean> {
    return inTransaction(this.#db, async (tx) => {
      const { numUpdatedRows } = await tx
        .updateTable('replicationRuns')
        .set({ endedAt: this.#now() })
        .where('id', '=', id)
        .where('version', '=', version)
        .where('listDueAt', 'is', null)
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('replicationTags')
                .select('replicationTags.id')
                .whereRef('runId', '=', 'replicationRuns.id')
                .where('dueAt', 'is not', null),
            ),
          ),
        )
        .executeTakeFirstOrThrow();
      if (numUpdatedRows === 0n) return false;
      await forgetOld(tx, ruleId, id);
      return true;
    });
  }

  #select(): SelectQueryBuilder<Tables, 'replicationRuns', ReplicationRun> {
    const ofRun = (what: string) =>
      sql<number>`(select ${sql.raw(what)} from replication_tags where run_id = replication_runs.id)`;
    const ended = (outcome: ReplicationOutcome) =>
      ofRun(`count(case when due_at is null and outcome = '${outcome}' then 1 end)`).as(outcome);
    return this.#db
      .selectFrom('replicationRuns')
      .selectAll('replicationRuns')
      .select([
        ofRun('count(due_at)').as('waiting'),
        ended('copied'),
        ended('unchanged'),
        ended('deleted'),
        ended('skipped'),
        ended('failed'),
        ofRun('cast(coalesce(sum(bytes), 0) as bigint)').as('bytes'),
      ]);
  }
}

/** Whoever opens or finds it holds it until their transaction ends. @returns the number of the one that is open */
export async function openRun(
  db: Kysely<Tables>,
  ruleId: number,
  trigger: ReplicationTrigger,
  now: number,
): Promise<number> {
  const { id } = await db
    .insertInto('replicationRuns')
    .values({ ruleId, trigger, isListed: false, startedAt: now })
    .onConflict((conflict) =>
      conflict
        .column('ruleId')
        .where('endedAt', 'is', null)
        .doUpdateSet((eb) => ({ version: eb('replicationRuns.version', '+', 1) })),
    )
    .returning('id')
    .executeTakeFirstOrThrow();
  return id;
}

/** The newest for which all was listed stays: the next one tells from it what is gone since. */
async function forgetOld(tx: Kysely<Tables>, ruleId: number, lastId: number): Promise<void> {
  const ofRule = tx.selectFrom('replicationRuns').select('id').where('ruleId', '=', ruleId);
  const listed = await ofRule.where('isListed', '=', true).orderBy('id', 'desc').limit(1).executeTakeFirst();
  await tx
    .deleteFrom('replicationRuns')
    .where('ruleId', '=', ruleId)
    .where('id', 'not in', (eb) =>
      eb
        .selectFrom('replicationRuns as kept')
        .select('kept.id')
        .where('kept.ruleId', '=', ruleId)
        .orderBy('kept.id', 'desc')
        .limit(keptRuns),
    )
    .where('id', '!=', listed?.id ?? lastId)
    .execute();
  await tx
    .deleteFrom('replicationTags')
    .where('outcome', '=', 'unchanged')
    .where('dueAt', 'is', null)
    .where('runId', 'in', ofRule.where('id', '!=', lastId).where('id', '!=', listed?.id ?? lastId))
    .execute();
}
