/** What endpoints are told: what is pending, what arrived, and what was given up. */
import type { Kysely, Selectable } from 'kysely';
import type { EventAction } from '../../oci/registry-event.ts';
import { offsetOf, type Page, type Paged } from '../db/page.ts';
import type { Tables } from '../db/schema.ts';
import type { LaneKey } from './webhook-lanes.ts';

export type DeliveryState = 'pending' | 'delivered' | 'dead';

export interface WebhookDelivery {
  readonly id: number;
  readonly webhookId: number;
  /** The same each time that it is tried. */
  readonly deliveryId: string;
  readonly action: EventAction;
  /** JSON: the event but for its source. */
  readonly event: string;
  readonly state: DeliveryState;
  /** That came to an end. */
  readonly attempts: number;
  /** Epoch milliseconds, as all instants here. */
  readonly createdAt: number;
  readonly finishedAt: number | undefined;
  /** The last one. */
  readonly attempt: DeliveryAttempt | undefined;
}

/** How one try ended. */
export interface DeliveryAttempt {
  readonly at: number;
  readonly durationMs: number;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** The beginning of the answer. */
  readonly body: string | undefined;
  /** Why it counts as none, for people; undefined where it arrived. */
  readonly error: string | undefined;
}

export class WebhookDeliveries {
  readonly #db: Kysely<Tables>;

  constructor(db: Kysely<Tables>) {
    this.#db = db;
  }

  /** The first that is pending. */
  async findNext({ webhookId, repositoryId }: LaneKey): Promise<WebhookDelivery | undefined> {
    const row = await this.#db
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('webhook_id', '=', webhookId)
      .where('repository_id', '=', repositoryId)
      .where('state', '=', 'pending')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Undefined where the endpoint has no such delivery. */
  async find(webhookId: number, id: number): Promise<WebhookDelivery | undefined> {
    const row = await this.#db
      .selectFrom('webhook_deliveries')
      .selectAll()
      .where('webhook_id', '=', webhookId)
      .where('id', '=', id)
      .executeTakeFirst();
    return row && fromRow(row);
  }

  /** Newest first. */
  async list(
    webhookId: number,
    { state }: { readonly state?: DeliveryState | undefined },
    page: Page,
  ): Promise<Paged<WebhookDelivery>> {
    let matching = this.#db.selectFrom('webhook_deliveries').where('webhook_id', '=', webhookId);
    if (state !== undefined) matching = matching.where('state', '=', state);
    const { total } = await matching
      .select((eb) => eb.fn.countAll<number>().as('total'))
      .executeTakeFirstOrThrow();
    const rows = await matching
      .selectAll()
      .orderBy('id', 'desc')
      .limit(page.perPage)
      .offset(offsetOf(page))
      .execute();
    return { records: rows.map(fromRow), total };
  }

  /** What came of a try. What arrived stays so, whatever came of sending it again. */
  async recordAttempt(id: number, state: DeliveryState, attempt: DeliveryAttempt): Promise<void> {
    await this.#db
      .updateTable('webhook_deliveries')
      .set((eb) => ({
        state,
        attempts: eb('attempts', '+', 1),
        attempted_at: attempt.at,
        duration_ms: attempt.durationMs,
        response_status: attempt.status ?? null,
        // PostgreSQL's texts hold no NUL.
        response_body: attempt.body?.replaceAll('\0', '') ?? null,
        error: attempt.error?.replaceAll('\0', '') ?? null,
        finished_at: state === 'pending' ? null : attempt.at + attempt.durationMs,
      }))
      .where('id', '=', id)
      .execute();
  }

  /** Of all endpoints, those that are to be sent. */
  async countPending(): Promise<number> {
    const { count } = await this.#db
      .selectFrom('webhook_deliveries')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Whatever came of them. @returns how many there were, at most `limit` */
  async removeOlder(than: number, limit: number): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('webhook_deliveries')
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('webhook_deliveries as old')
          .select('old.id')
          .where('old.created_at', '<', than)
          .orderBy('old.created_at')
          .limit(limit),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}

function fromRow(row: Selectable<Tables['webhook_deliveries']>): WebhookDelivery {
  return {
    id: row.id,
    webhookId: row.webhook_id,
    deliveryId: row.delivery_id,
    action: row.action,
    event: row.event,
    state: row.state,
    attempts: row.attempts,
    createdAt: row.created_at,
    finishedAt: row.finished_at ?? undefined,
    attempt:
      row.attempted_at === null
        ? undefined
        : {
            at: row.attempted_at,
            durationMs: row.duration_ms ?? 0,
            status: row.response_status ?? undefined,
            body: row.response_body ?? undefined,
            error: row.error ?? undefined,
          },
  };
}
