/** Who sends what is pending of one repository to one endpoint: one process at a time, by a lease that ends when the process dies. */
import type { Kysely, Updateable } from 'kysely';
import type { Optional, Tables } from '../db/tables.ts';

/**
 * What is pending of one repository for one endpoint: its deliveries are sent one after another, by whoever has the lease.
 * primary key (webhook_id, repository_id); index due_at
 */
export interface WebhookLaneTable {
  webhookId: number;
  repositoryId: number;
  /** When the first delivery may be tried; epoch milliseconds. */
  dueAt: number;
  owner: Optional<string>;
  /** 0: nobody has it. */
  leasedUntil: number;
  /** Counts what was added, so that no lane goes while something comes. */
  version: number;
}

export interface LaneKey {
  readonly webhookId: number;
  readonly repositoryId: number;
}

export interface DueLane extends LaneKey {
  /** The endpoint's project; undefined for an endpoint of the configuration. */
  readonly projectId: number | undefined;
}

/** Which endpoints' lanes are asked for. */
export interface DueFilter {
  readonly exceptWebhooks: readonly number[];
  readonly exceptProjects: readonly number[];
  /** Undefined: all others. */
  readonly onlyWebhooks: readonly number[] | undefined;
}

export const allLanes: DueFilter = { exceptWebhooks: [], exceptProjects: [], onlyWebhooks: undefined };

/** What a process has the lease of. */
export interface Lane extends LaneKey {
  readonly owner: string;
  /** What was added when the lease was taken, or looked at again. */
  readonly version: number;
}

export class WebhookLanes {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Lanes that are due and that nobody has, the longest due first. */
  async listDue(
    { exceptWebhooks, exceptProjects, onlyWebhooks }: DueFilter,
    limit: number,
  ): Promise<readonly DueLane[]> {
    if (onlyWebhooks?.length === 0) return [];
    const now = this.#now();
    let due = this.#db
      .selectFrom('webhookLanes as lane')
      .innerJoin('webhooks', 'webhooks.id', 'lane.webhookId')
      .select(['lane.webhookId', 'lane.repositoryId', 'webhooks.projectId'])
      .where('lane.dueAt', '<=', now)
      .where('lane.leasedUntil', '<=', now);
    if (exceptWebhooks.length > 0) due = due.where('lane.webhookId', 'not in', exceptWebhooks);
    if (onlyWebhooks) due = due.where('lane.webhookId', 'in', onlyWebhooks);
    if (exceptProjects.length > 0)
      due = due.where((eb) =>
        eb.or([eb('webhooks.projectId', 'is', null), eb('webhooks.projectId', 'not in', exceptProjects)]),
      );
    return due.orderBy('lane.dueAt').limit(limit).execute();
  }

  /** Undefined where another was quicker. */
  async take(
    { webhookId, repositoryId }: LaneKey,
    owner: string,
    leaseMs: number,
  ): Promise<Lane | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('webhookLanes')
      .set({ owner, leasedUntil: now + leaseMs })
      .where('webhookId', '=', webhookId)
      .where('repositoryId', '=', repositoryId)
      .where('dueAt', '<=', now)
      .where('leasedUntil', '<=', now)
      .returning('version')
      .executeTakeFirst();
    return row && { webhookId, repositoryId, owner, version: row.version };
  }

  /** The lane as it is now; undefined where another has it meanwhile. */
  async renew(lane: Lane, leaseMs: number): Promise<Lane | undefined> {
    const row = await this.#own(lane, { leasedUntil: this.#now() + leaseMs })
      .returning('version')
      .executeTakeFirst();
    return row && { ...lane, version: row.version };
  }

  /** Lets others take the lane. @param dueAt not before then; epoch milliseconds */
  async release(lane: Lane, dueAt: number): Promise<void> {
    await this.#own(lane, { owner: null, leasedUntil: 0, dueAt: dueAt }).execute();
  }

  #own({ webhookId, repositoryId, owner }: Lane, changes: Updateable<WebhookLaneTable>) {
    return this.#db
      .updateTable('webhookLanes')
      .set(changes)
      .where('webhookId', '=', webhookId)
      .where('repositoryId', '=', repositoryId)
      .where('owner', '=', owner);
  }

  /** Whoever found nothing pending ends the lane. False where something was added since they looked. */
  async close({ webhookId, repositoryId, owner, version }: Lane): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('webhookLanes')
      .where('webhookId', '=', webhookId)
      .where('repositoryId', '=', repositoryId)
      .where('owner', '=', owner)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** The endpoint could not be reached, so that nothing else is tried there before then. @param until epoch milliseconds */
  async postpone(webhookId: number, until: number): Promise<void> {
    await this.#db
      .updateTable('webhookLanes')
      .set({ dueAt: until })
      .where('webhookId', '=', webhookId)
      .where('leasedUntil', '=', 0)
      .where('dueAt', '<', until)
      .execute();
  }
}
