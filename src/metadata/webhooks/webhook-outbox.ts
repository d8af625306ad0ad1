/** Where events go in the transaction of what happened: to endpoints and replication rules that want them, once it is committed, whatever becomes of this process. */
import { randomUUID } from 'node:crypto';
import type { Insertable, Kysely } from 'kysely';
import { eventBody, isWanted, type RegistryEvent } from '../../oci/registry-event.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/tables.ts';
import { replicateEvents } from '../replication/replicate-events.ts';
import type { WebhookDeliveryTable } from './webhook-deliveries.ts';

type Delivery = Insertable<WebhookDeliveryTable>;

export class WebhookOutbox {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Records events for the endpoints that want them; where there are none, nothing is written. Events of a repository are told in the order
   * in which they are added, where whoever adds them holds it.
   */
  add(...events: readonly RegistryEvent[]): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const deliveries: Delivery[] = [];
      for (const [projectId, those] of Map.groupBy(events, (event) => event.projectId))
        deliveries.push(...(await listDeliveries(tx, projectId, those, now)));
      for (const batch of inBatches(deliveries))
        await tx.insertInto('webhookDeliveries').values(batch).execute();
      await openLanes(tx, deliveries, now);
      await replicateEvents(tx, events, now);
    });
  }
}

/** In the order of the events. */
async function listDeliveries(
  tx: Kysely<Tables>,
  projectId: number,
  events: readonly RegistryEvent[],
  now: number,
): Promise<readonly Delivery[]> {
  const endpoints = await tx
    .selectFrom('webhooks')
    .select(['id', 'ignoredActions', 'ignoredMediaTypes'])
    .where('isDisabled', '=', false)
    .where((eb) => eb.or([eb('projectId', 'is', null), eb('projectId', '=', projectId)]))
    .execute();
  return events.flatMap((event) => {
    const wanting = endpoints.filter((filter) => isWanted(filter, event));
    if (wanting.length === 0) return [];
    const body = JSON.stringify(eventBody(event, randomUUID(), now));
    return wanting.map(({ id }) => ({
      webhookId: id,
      repositoryId: event.repositoryId,
      deliveryId: randomUUID(),
      action: event.action,
      event: body,
      state: 'pending' as const,
      attempts: 0,
      createdAt: now,
    }));
  });
}

/** Lanes are opened in one order, so that two who do it never wait for each other. A lane that waits for its next try goes on waiting. */
async function openLanes(tx: Kysely<Tables>, deliveries: readonly Delivery[], now: number): Promise<void> {
  const lanes = new Map(
    deliveries.map(({ webhookId, repositoryId }) => [
      `${webhookId} ${repositoryId}`,
      { webhookId, repositoryId, dueAt: now, leasedUntil: 0, version: 1 },
    ]),
  );
  const inOrder = [...lanes.values()].toSorted(
    (one, other) => one.webhookId - other.webhookId || one.repositoryId - other.repositoryId,
  );
  for (const batch of inBatches(inOrder)) {
    await tx
      .insertInto('webhookLanes')
      .values(batch)
      .onConflict((conflict) =>
        conflict
          .columns(['webhookId', 'repositoryId'])
          .doUpdateSet((eb) => ({ version: eb('webhookLanes.version', '+', 1) })),
      )
      .execute();
  }
}
