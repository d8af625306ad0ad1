import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { allLanes } from '../../src/metadata/webhooks/webhook-lanes.ts';
import { DeliveryExpiry } from '../../src/webhooks/delivery-expiry.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createProject } from '../support/hosted-records.ts';

const filter = { ignoredActions: [], ignoredMediaTypes: [] };

async function tell(database: Database, projectId: number, ...repositoryIds: number[]): Promise<void> {
  const event = { action: 'push', projectId, repository: 'acme/shop', actorName: 'ada' } as const;
  await database.webhookOutbox.add(...repositoryIds.map((repositoryId) => ({ ...event, repositoryId })));
}

describeEachDatabase('what endpoints are to be told', (open, { clock }) => {
  async function start() {
    const database = await open();
    const { id: projectId } = await createProject(database, 'acme/shop');
    await database.webhooks.configure([{ ...filter, name: 'ci', isDisabled: false }]);
    const [webhook] = (await database.webhooks.list(undefined, { page: 1, perPage: 1 })).records;
    return { database, lanes: database.webhookLanes, projectId, webhookId: webhook?.id ?? 0 };
  }

  test('is not written where what happened is not', async () => {
    const { database, projectId } = await start();
    const failing = database.transaction(async (tx) => {
      const event = { action: 'push', projectId, repositoryId: 1, repository: 'a', actorName: 'b' } as const;
      await tx.webhookOutbox.add(event);
      throw new Error('it did not happen');
    });
    await expect(failing).rejects.toThrow('it did not happen');
    expect(await database.webhookDeliveries.countPending()).toBe(0);
    expect(await database.webhookLanes.listDue(allLanes, 10)).toEqual([]);
  });

  test('of one repository is one process’s to tell until its lease ends', async () => {
    const { database, lanes, projectId, webhookId } = await start();
    await tell(database, projectId, 1, 2);
    expect(await lanes.listDue(allLanes, 10)).toEqual([
      { webhookId, repositoryId: 1 },
      { webhookId, repositoryId: 2 },
    ]);
    expect(await lanes.listDue({ ...allLanes, exceptWebhooks: [webhookId] }, 10)).toEqual([]);
    const key = { webhookId, repositoryId: 1 };
    const taken = await Promise.all(['one', 'other'].map((owner) => lanes.take(key, owner, 1000)));
    expect(taken.filter((lane) => lane !== undefined)).toHaveLength(1);
    expect(await lanes.listDue(allLanes, 10)).toEqual([{ webhookId, repositoryId: 2 }]);
    const [dead = expect.fail('nobody has it')] = taken.filter((lane) => lane !== undefined);
    clock.now += 1001;
    const heir = await lanes.take(key, 'heir', 1000);
    expect(heir).toMatchObject({ owner: 'heir' });
    expect(await lanes.renew(dead, 1000)).toBeUndefined();
    await lanes.release(dead, clock.now);
    expect(await lanes.close(dead)).toBe(false);
    expect(await lanes.listDue(allLanes, 10)).toEqual([{ webhookId, repositoryId: 2 }]);
  });

  test('is not lost where something comes while its lane is closed', async () => {
    const { database, lanes, projectId, webhookId } = await start();
    await tell(database, projectId, 1);
    const key = { webhookId, repositoryId: 1 };
    const lane = (await lanes.take(key, 'one', 1000)) ?? expect.fail('nobody has it');
    await tell(database, projectId, 1);
    expect(await lanes.close(lane)).toBe(false);
    const again = (await lanes.renew(lane, 1000)) ?? expect.fail('it is lost');
    expect(await lanes.close(again)).toBe(true);
    await tell(database, projectId, 1);
    expect(await lanes.listDue(allLanes, 10)).toEqual([key]);
  });

  test('waits as long as it is said, whatever comes after it', async () => {
    const { database, lanes, projectId, webhookId } = await start();
    await tell(database, projectId, 1, 2);
    const lane = await lanes.take({ webhookId, repositoryId: 1 }, 'one', 1000);
    await lanes.release(lane ?? expect.fail('nobody has it'), clock.now + 5000);
    await lanes.postpone(webhookId, clock.now + 3000);
    await tell(database, projectId, 1, 2);
    expect(await lanes.listDue(allLanes, 10)).toEqual([]);
    clock.now += 3000;
    expect(await lanes.listDue(allLanes, 10)).toEqual([{ webhookId, repositoryId: 2 }]);
    clock.now += 2000;
    expect(await lanes.listDue(allLanes, 10)).toHaveLength(2);
  });

  test('is forgotten after some days', async () => {
    const { database, projectId } = await start();
    await tell(database, projectId, 1);
    clock.now += 1000;
    await tell(database, projectId, 2);
    const expiry = new DeliveryExpiry(database, 1000, () => clock.now);
    expect(await expiry.run(new AbortController().signal)).toEqual({ result: { removed: 0 }, again: false });
    clock.now += 1;
    expect(await expiry.run(new AbortController().signal)).toEqual({ result: { removed: 1 }, again: false });
    expect(await database.webhookDeliveries.countPending()).toBe(1);
  });
});
