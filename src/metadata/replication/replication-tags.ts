/** Tags that a run of a replication rule brings to where the rule says: what is to be done, and what came of it. */
import type { Generated, Kysely } from 'kysely';
import { inBatches } from '../db/in-batches.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { ReplicationRule } from './replication-rules.ts';

export const replicationOutcomes = ['copied', 'unchanged', 'deleted', 'skipped', 'failed'] as const;
export type ReplicationOutcome = (typeof replicationOutcomes)[number];

/** unique (run_id, repository, tag); index on dueAt */
export interface ReplicationTagTable {
  id: Generated<number>;
  runId: number;
  /** Its name where it comes from. */
  repository: string;
  tag: string;
  /** From when on it may be tried; undefined: it is over. */
  dueAt: Optional<number>;
  /** Counts what happened to it meanwhile. */
  version: Generated<number>;
  /** How often it failed. */
  tries: Generated<number>;
  outcome: Optional<ReplicationOutcome>;
  /** Why it has failed or was left out, or why it waits. */
  reason: Optional<string>;
  /** Of blobs that were sent or fetched. */
  bytes: Generated<number>;
  endedAt: Optional<number>;
}

export type ReplicationTag = RecordOf<ReplicationTagTable>;

export interface DueTag
  extends Pick<ReplicationTag, 'id' | 'runId' | 'repository' | 'tag' | 'version' | 'tries'> {
  readonly ruleId: number;
  readonly direction: ReplicationRule['direction'];
}

/** How it is with a tag, as lists ask for it. */
export type ReplicationStatus = ReplicationOutcome | 'waiting';

export interface TagName {
  readonly repository: string;
  readonly tag: string;
}

export class ReplicationTags {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, now: () => number, pages: Pages) {
    this.#db = db;
    this.#now = now;
    this.#pages = pages;
  }

  /** What changed last comes first. */
  list(runId: number, status: ReplicationStatus | undefined, page: Page): Promise<Paged<ReplicationTag>> {
    let query = this.#db.selectFrom('replicationTags').selectAll().where('runId', '=', runId);
    if (status === 'waiting') query = query.where('dueAt', 'is not', null);
    else if (status !== undefined) query = query.where('dueAt', 'is', null).where('outcome', '=', status);
    return this.#pages.list(query, descending('id'), page);
  }

  /** Those that are there already are left as they are. */
  async add(runId: number, tags: readonly TagName[]): Promise<void> {
    const dueAt = this.#now();
    for (const batch of inBatches(tags))
      await this.#db
        .insertInto('replicationTags')
        .values(batch.map(({ repository, tag }) => ({ runId, repository, tag, dueAt })))
        .onConflict((conflict) => conflict.columns(['runId', 'repository', 'tag']).doNothing())
        .execute();
  }

  /** Those of a run that another one does not have, and that were not deleted. */
  listGone(of: number, in_: number): Promise<readonly TagName[]> {
    return this.#db
      .selectFrom('replicationTags as old')
      .select(['old.repository', 'old.tag'])
      .where('old.runId', '=', of)
      .where('old.outcome', '!=', 'deleted')
      .where(({ not, exists, selectFrom }) =>
        not(
          exists(
            selectFrom('replicationTags as listed')
              .select('listed.id')
              .where('listed.runId', '=', in_)
              .whereRef('listed.repository', '=', 'old.repository')
              .whereRef('listed.tag', '=', 'old.tag'),
          ),
        ),
      )
      .execute();
  }

  /** The one that has waited longest, of rules that are on and may ask. */
  findDue(busyRules: readonly number[], underWay: readonly number[]): Promise<DueTag | undefined> {
    const now = this.#now();
    let due = this.#db
      .selectFrom('replicationTags as tag')
      .innerJoin('replicationRuns as run', 'run.id', 'tag.runId')
      .innerJoin('replicationRules as rule', 'rule.id', 'run.ruleId')
      .select([
        'tag.id',
        'tag.runId',
        'tag.repository',
        'tag.tag',
        'tag.version',
        'tag.tries',
        'run.ruleId',
        'rule.direction',
      ])
      .where('tag.dueAt', '<=', now)
      .where('run.pausedUntil', '<=', now)
      .where('rule.enabled', '=', true);
    if (busyRules.length > 0) due = due.where('run.ruleId', 'not in', busyRules);
    if (underWay.length > 0) due = due.where('tag.id', 'not in', underWay);
    return due.orderBy('tag.dueAt').orderBy('tag.id').limit(1).executeTakeFirst();
  }

  /** What happened to it meanwhile makes it due at once. */
  async end(
    { id, version }: DueTag,
    { outcome, reason, bytes }: Pick<ReplicationTag, 'outcome' | 'reason' | 'bytes'>,
  ): Promise<void> {
    const now = this.#now();
    await this.#db
      .updateTable('replicationTags')
      .set((eb) => ({
        outcome: outcome ?? null,
        reason: reason ?? null,
        bytes: eb('bytes', '+', bytes),
        endedAt: now,
        dueAt: eb.case().when('version', '=', version).then(eb.lit(null)).else(eb.ref('dueAt')).end(),
      }))
      .where('id', '=', id)
      .execute();
  }

  /** It is none that the rule is for. */
  async remove(id: number): Promise<void> {
    await this.#db.deleteFrom('replicationTags').where('id', '=', id).execute();
  }

  async postpone({ id, version }: DueTag, dueAt: number, tries: number, reason: string): Promise<void> {
    await this.#db
      .updateTable('replicationTags')
      .set({ dueAt, tries, reason })
      .where('id', '=', id)
      .where('version', '=', version)
      .execute();
  }
}
