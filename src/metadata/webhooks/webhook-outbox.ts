/** Where events go in the transaction of what happened: told to whoever wants them, once it is committed, whatever becomes of this process. */
import { randomUUID } from 'node:crypto';
import type { Insertable, Kysely } from 'kysely';
import { eventBody, isWanted, type RegistryEvent } from '../../oci/registry-event.ts';
import { inBatches } from '../db/in-batches.ts';
import { inTransaction } from '../db/in-transaction.ts';
import type { Tables } from '../db/schema.ts';
import { filterOf } from './webhooks.ts';

type Delivery = Insertable<Tables['webhook_deliveries']>;

export class WebhookOutbox {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Of endpoints that want it; where there are none, nothing is written. Events of a repository are told in the order in which they
   * are added, where whoever adds them holds it.
   */
  add(...events: readonly RegistryEvent[]): Promise<void> {
    return inTransaction(this.#db, async (tx) => {
      const now = this.#now();
      const deliveries: Delivery[] = [];
      for (const [projectId, those] of Map.groupBy(events, (event) => event.projectId))
        deliveries.push(...(await listDeliveries(tx, projectId, those, now)));
      if (deliveries.length === 0) return;
      for (const batch of inBatches(deliveries))
        await tx.insertInto('webhook_deliveries').values(batch).execute();
      await openLanes(tx, deliveries, now);
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
  const rows = await tx
    .selectFrom('webhooks')
    .select(['id', 'ignored_actions', 'ignored_media_types'])
    .where('disabled', '=', 0)
    .where((eb) => eb.or([eb('project_id', 'is', null), eb('project_id', '=', projectId)]))
    .execute();
  const endpoints = rows.map((row) => ({ id: row.id, filter: filterOf(row) }));
  return events.flatMap((event) => {
    const wanting = endpoints.filter(({ filter }) => isWanted(filter, event));
    if (wanting.length === 0) return [];
    const body = JSON.stringify(eventBody(event, randomUUID(), now));
    return wanting.map(({ id }) => ({
      webhook_id: id,
      repository_id: event.repositoryId,
      delivery_id: randomUUID(),
      action: event.action,
      event: body,
      state: 'pending' as const,
      attempts: 0,
      created_at: now,
    }));
  });
}

/** In one order, so that two who do it never wait for each other. What waits for its next try goes on waiting. */
async function openLanes(tx: Kysely<Tables>, deliveries: readonly Delivery[], now: number): Promise<void> {
  const lanes = new Map(
    deliveries.map(({ webhook_id, repository_id }) => [
      `${webhook_id} ${repository_id}`,
      { webhook_id, repository_id, due_at: now, leased_until: 0, version: 1 },
    ]),
  );
  const inOrder = [...lanes.values()].toSorted(
    (one, other) => one.webhook_id - other.webhook_id || one.repository_id - other.repository_id,
  );
  for (const batch of inBatches(inOrder)) {
    await tx
      .insertInto('webhook_lanes')
      .values(batch)
      .onConflict((conflict) =>
        conflict
          .columns(['webhook_id', 'repository_id'])
          .doUpdateSet((eb) => ({ version: eb('webhook_lanes.version', '+', 1) })),
      )
      .execute();
  }
}
