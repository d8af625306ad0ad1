/** Who sends what is pending of one repository to one endpoint: one process at a time, by a lease that ends when the process dies. */
import type { Kysely } from 'kysely';
import type { Tables } from '../db/schema.ts';

export interface LaneKey {
  readonly webhookId: number;
  readonly repositoryId: number;
}

export interface DueLane extends LaneKey {
  /** Of the endpoint; undefined for one of the configuration. */
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
      .selectFrom('webhook_lanes as lane')
      .innerJoin('webhooks', 'webhooks.id', 'lane.webhook_id')
      .select(['lane.webhook_id', 'lane.repository_id', 'webhooks.project_id'])
      .where('lane.due_at', '<=', now)
      .where('lane.leased_until', '<=', now);
    if (exceptWebhooks.length > 0) due = due.where('lane.webhook_id', 'not in', exceptWebhooks);
    if (onlyWebhooks) due = due.where('lane.webhook_id', 'in', onlyWebhooks);
    if (exceptProjects.length > 0)
      due = due.where((eb) =>
        eb.or([eb('webhooks.project_id', 'is', null), eb('webhooks.project_id', 'not in', exceptProjects)]),
      );
    const rows = await due.orderBy('lane.due_at').limit(limit).execute();
    return rows.map((row) => ({
      webhookId: row.webhook_id,
      repositoryId: row.repository_id,
      projectId: row.project_id ?? undefined,
    }));
  }

  /** Undefined where another was quicker. */
  async take(
    { webhookId, repositoryId }: LaneKey,
    owner: string,
    leaseMs: number,
  ): Promise<Lane | undefined> {
    const now = this.#now();
    const row = await this.#db
      .updateTable('webhook_lanes')
      .set({ owner, leased_until: now + leaseMs })
      .where('webhook_id', '=', webhookId)
      .where('repository_id', '=', repositoryId)
      .where('due_at', '<=', now)
      .where('leased_until', '<=', now)
      .returning('version')
      .executeTakeFirst();
    return row && { webhookId, repositoryId, owner, version: row.version };
  }

  /** The lane as it is now; undefined where another has it meanwhile. */
  async renew(lane: Lane, leaseMs: number): Promise<Lane | undefined> {
    const row = await this.#own(lane, { leased_until: this.#now() + leaseMs })
      .returning('version')
      .executeTakeFirst();
    return row && { ...lane, version: row.version };
  }

  /** For others to take. @param dueAt not before then; epoch milliseconds */
  async release(lane: Lane, dueAt: number): Promise<void> {
    await this.#own(lane, { owner: null, leased_until: 0, due_at: dueAt }).execute();
  }

  #own({ webhookId, repositoryId, owner }: Lane, changes: Partial<Tables['webhook_lanes']>) {
    return this.#db
      .updateTable('webhook_lanes')
      .set(changes)
      .where('webhook_id', '=', webhookId)
      .where('repository_id', '=', repositoryId)
      .where('owner', '=', owner);
  }

  /** Of whoever found nothing pending. False where something was added since the lane was looked at. */
  async close({ webhookId, repositoryId, owner, version }: Lane): Promise<boolean> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('webhook_lanes')
      .where('webhook_id', '=', webhookId)
      .where('repository_id', '=', repositoryId)
      .where('owner', '=', owner)
      .where('version', '=', version)
      .executeTakeFirstOrThrow();
    return numDeletedRows > 0n;
  }

  /** Nothing else of the endpoint is tried before then: it could not be reached. @param until epoch milliseconds */
  async postpone(webhookId: number, until: number): Promise<void> {
    await this.#db
      .updateTable('webhook_lanes')
      .set({ due_at: until })
      .where('webhook_id', '=', webhookId)
      .where('leased_until', '=', 0)
      .where('due_at', '<', until)
      .execute();
  }
}
