/** What endpoints are told: what is pending, what arrived, and what was given up. */
import type { Generated, Kysely } from 'kysely';
import type { EventAction } from '../../oci/registry-event.ts';
import type { Page, Paged } from '../db/page.ts';
import { descending, type Pages } from '../db/pages.ts';
import type { Optional, RecordOf, Tables } from '../db/tables.ts';
import type { LaneKey } from './webhook-lanes.ts';

export type DeliveryState = 'pending' | 'delivered' | 'dead';

/** One event for one endpoint. partial index (webhook_id, repository_id, id) of what is pending */
export interface WebhookDeliveryTable {
  /** Numbers are in the order of the events of a repository. */
  id: Generated<number>;
  webhookId: number;
  repositoryId: number;
  /** The same each time that it is tried. */
  deliveryId: string;
  action: EventAction;
  /** JSON, which is sent as it is: the event but for its source. */
  event: string;
  state: DeliveryState;
  /** Tries that came to an end. */
  attempts: number;
  /** Epoch milliseconds, as all instants here. */
  createdAt: number;
  /** When the last try was; what follows is of that try, too. */
  attemptedAt: Optional<number>;
  durationMs: Optional<number>;
  /** Undefined where there was no answer. */
  responseStatus: Optional<number>;
  /** The beginning of the answer. */
  responseBody: Optional<string>;
  /** Why the try failed, for people; undefined where the event arrived. */
  error: Optional<string>;
  /** When it was delivered or given up. */
  finishedAt: Optional<number>;
}

export type WebhookDelivery = RecordOf<WebhookDeliveryTable>;

/** How one try ended. */
export interface DeliveryAttempt {
  readonly at: number;
  readonly durationMs: number;
  /** Undefined where there was no answer. */
  readonly status: number | undefined;
  /** The beginning of the answer. */
  readonly body: string | undefined;
  /** Why the try failed, for people; undefined where the event arrived. */
  readonly error: string | undefined;
}

export class WebhookDeliveries {
  readonly #db: Kysely<Tables>;
  readonly #reading: Kysely<Tables>;
  readonly #pages: Pages;

  constructor(db: Kysely<Tables>, pages: Pages, reading = db) {
    this.#db = db;
    this.#reading = reading;
    this.#pages = pages;
  }

  /** The first delivery that is pending. */
  findNext({ webhookId, repositoryId }: LaneKey): Promise<WebhookDelivery | undefined> {
    return this.#db
      .selectFrom('webhookDeliveries')
      .selectAll()
      .where('webhookId', '=', webhookId)
      .where('repositoryId', '=', repositoryId)
      .where('state', '=', 'pending')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
  }

  /** Undefined where the endpoint has no such delivery. */
  find(webhookId: number, id: number): Promise<WebhookDelivery | undefined> {
    return this.#db
      .selectFrom('webhookDeliveries')
      .selectAll()
      .where('webhookId', '=', webhookId)
      .where('id', '=', id)
      .executeTakeFirst();
  }

  /** Newest first. */
  list(
    webhookId: number,
    { state }: { readonly state?: DeliveryState | undefined },
    page: Page,
  ): Promise<Paged<WebhookDelivery>> {
    let query = this.#reading.selectFrom('webhookDeliveries').selectAll().where('webhookId', '=', webhookId);
    if (state !== undefined) query = query.where('state', '=', state);
    return this.#pages.list(query, descending('id'), page);
  }

  /** Notes what came of a try. An event that arrived stays so, whatever came of sending it again. */
  async recordAttempt(id: number, state: DeliveryState, attempt: DeliveryAttempt): Promise<void> {
    await this.#db
      .updateTable('webhookDeliveries')
      .set((eb) => ({
        state,
        attempts: eb('attempts', '+', 1),
        attemptedAt: attempt.at,
        durationMs: attempt.durationMs,
        responseStatus: attempt.status ?? null,
        // PostgreSQL's texts hold no NUL.
        responseBody: attempt.body?.replaceAll('\0', '') ?? null,
        error: attempt.error?.replaceAll('\0', '') ?? null,
        finishedAt: state === 'pending' ? null : attempt.at + attempt.durationMs,
      }))
      .where('id', '=', id)
      .execute();
  }

  /** How many deliveries are still to be sent, to all endpoints. */
  async countPending(): Promise<number> {
    const { count } = await this.#reading
      .selectFrom('webhookDeliveries')
      .select((eb) => eb.fn.countAll<number>().as('count'))
      .where('state', '=', 'pending')
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Removes deliveries whatever came of them. @returns how many there were, at most `limit` */
  async removeOlder(than: number, limit: number): Promise<number> {
    const { numDeletedRows } = await this.#db
      .deleteFrom('webhookDeliveries')
      .where('id', 'in', (eb) =>
        eb
          .selectFrom('webhookDeliveries as old')
          .select('old.id')
          .where('old.createdAt', '<', than)
          .orderBy('old.createdAt')
          .limit(limit),
      )
      .executeTakeFirstOrThrow();
    return Number(numDeletedRows);
  }
}
