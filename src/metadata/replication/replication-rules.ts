/** Rules of projects that copy tags to another registry, or from one. */
import type { Generated, Insertable, Kysely, Updateable } from 'kysely';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { ConnectionColumns } from '../registries/upstreams.ts';

export const replicationDirections = ['push', 'pull'] as const;
export const replicationTriggers = ['event', 'schedule', 'manual'] as const;
export type ReplicationTrigger = (typeof replicationTriggers)[number];

/** indexes on projectId, creatorId and nextRunAt */
export interface ReplicationRuleTable extends ConnectionColumns {
  id: Generated<number>;
  projectId: number;
  /** By whose rights it reads and writes here; undefined: they are no user any more. */
  creatorId: Optional<number>;
  name: string;
  /** push: to the other registry. */
  direction: (typeof replicationDirections)[number];
  trigger: ReplicationTrigger;
  everyHours: Optional<number>;
  nextRunAt: Optional<number>;
  enabled: boolean;
  /** RE2 that the whole name of a repository matches where it comes from, here below the path of its project; undefined: all. */
  repositoryRegex: Optional<string>;
  /** RE2 that the whole tag matches. */
  tagRegex: string;
  /** What the repository is called where it goes, with `{project}`, `{repository}` and `{name}`. */
  target: string;
  deletesTags: boolean;
  /** Whether a tag that is another image there is moved. */
  replacesTags: boolean;
  withReferrers: boolean;
  createdAt: number;
  /** Grows with every change, even within a millisecond. */
  updatedAt: number;
}

export type ReplicationRule = RecordOf<ReplicationRuleTable>;

type Given = Exclude<
  keyof ReplicationRuleTable,
  'id' | 'projectId' | 'createdAt' | 'updatedAt' | 'nextRunAt'
>;
export type NewReplicationRule = Readonly<Pick<Insertable<ReplicationRuleTable>, Given>>;
/** What is undefined stays as it is; null clears. */
export type ReplicationRuleChanges = Readonly<Pick<Updateable<ReplicationRuleTable>, Given | 'nextRunAt'>>;

export const hourMs = 3_600_000;

export class ReplicationRules {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Oldest first. */
  list(projectId: number): Promise<readonly ReplicationRule[]> {
    return this.#db
      .selectFrom('replicationRules')
      .selectAll()
      .where('projectId', '=', projectId)
      .orderBy('id')
      .execute();
  }

  find(id: number): Promise<ReplicationRule | undefined> {
    return this.#db.selectFrom('replicationRules').selectAll().where('id', '=', id).executeTakeFirst();
  }

  /** @throws MissingOwner */
  create(projectId: number, rule: NewReplicationRule): Promise<ReplicationRule> {
    const now = this.#now();
    const { everyHours } = rule;
    const nextRunAt = everyHours === undefined ? undefined : now;
    return this.#db
      .insertInto('replicationRules')
      .values({ ...rule, projectId, nextRunAt, createdAt: now, updatedAt: now })
      .returningAll()
      .executeTakeFirstOrThrow();
  }

  /** Undefined where it is gone. */
  update(known: ReplicationRule, changes: ReplicationRuleChanges): Promise<ReplicationRule | undefined> {
    return this.#db
      .updateTable('replicationRules')
      .set({ ...changes, updatedAt: Math.max(this.#now(), known.updatedAt + 1) })
      .where('id', '=', known.id)
      .returningAll()
      .executeTakeFirst();
  }

  /** With all that came of it. */
  async remove(id: number): Promise<void> {
    await this.#db.deleteFrom('replicationRules').where('id', '=', id).execute();
  }

  /** Those whose scheduled run is due. */
  listDue(): Promise<readonly ReplicationRule[]> {
    return this.#db
      .selectFrom('replicationRules')
      .selectAll()
      .where('nextRunAt', '<=', this.#now())
      .where('enabled', '=', true)
      .execute();
  }

  async postpone(id: number, nextRunAt: number): Promise<void> {
    await this.#db.updateTable('replicationRules').set({ nextRunAt }).where('id', '=', id).execute();
  }
}
