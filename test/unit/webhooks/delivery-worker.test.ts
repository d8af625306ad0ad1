import { expect, onTestFinished, test } from 'vitest';
import { allLanes } from '../../../src/metadata/webhooks/webhook-lanes.ts';
import type { Log } from '../../../src/observe/log.ts';
import type { Reply } from '../../../src/webhooks/delivery.ts';
import {
  backOff,
  DeliveryWorker,
  type DeliveryWorkerOptions,
} from '../../../src/webhooks/delivery-worker.ts';
import type { WebhookEndpoint } from '../../../src/webhooks/webhook-endpoint.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { eventually } from '../../support/eventually.ts';
import { createProject } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';

const taken: Reply = { status: 200, body: '', error: undefined, isDown: false, retryAfterMs: undefined };
const observer = { tried() {}, finished() {}, retried() {}, pullsLost() {} };

describeEachDatabase('the delivery worker', (open, { clock }) => {
  async function start(options: Partial<DeliveryWorkerOptions> = {}) {
    const database = await open();
    const { id: projectId } = await createProject(database, 'acme/shop');
    const none = { ignoredActions: [], ignoredMediaTypes: [] };
    await database.webhooks.configure([{ ...none, name: 'ci', isDisabled: false }]);
    const sent: string[] = [];
    const endpoint: Omit<WebhookEndpoint, 'id'> = {
      label: 'ci',
      url: new URL('https://ci.example/'),
      secret: undefined,
      headers: {},
      timeoutMs: 1000,
      backoffMs: 1000,
      maxRetries: 3,
    };
    const worker = new DeliveryWorker({
      records: database,
      endpoints: { find: async (id) => ({ ...endpoint, id }) },
      sender: {
        send: async ({ body }) => {
          sent.push(JSON.parse(body).events[0].target.tag);
          return taken;
        },
      },
      source: { addr: 'here', instanceID: 'one' },
      observer,
      readOnlyReason: async () => undefined,
      maxLanes: 4,
      log: silentLog,
      now: () => clock.now,
      ...options,
    });
    const event = { action: 'push', projectId, repositoryId: 1, repository: 'a', actorName: 'b' } as const;
    const tell = (...tags: string[]) =>
      database.webhookOutbox.add(...tags.map((tag) => ({ ...event, tag: tag as never })));
    worker.start();
    onTestFinished(() => worker.close());
    return { database, worker, sent, tell };
  }

  test('waits as long as it is asked to, and then goes on where it was', async () => {
    const replies: Reply[] = [
      { ...taken, status: 429, error: 'answered 429', isDown: true, retryAfterMs: 60_000 },
    ];
    const sent: string[] = [];
    const { database, tell } = await start({
      sender: {
        send: async ({ body }) => {
          sent.push(JSON.parse(body).events[0].target.tag);
          return replies.shift() ?? taken;
        },
      },
    });
    await tell('v1', 'v2');
    await eventually(() => expect(sent).toEqual(['v1']));
    await eventually(async () => expect(await database.webhookLanes.listDue(allLanes, 1)).toEqual([]));
    clock.now += 59_999;
    expect(await database.webhookLanes.listDue(allLanes, 1)).toEqual([]);
    clock.now += 1;
    await eventually(() => expect(sent).toEqual(['v1', 'v1', 'v2']));
  });

  test('leaves alone for a while whom it cannot tell anything, and loses nothing', async () => {
    const errors: string[] = [];
    const log: Log = { ...silentLog, error: (_, message) => void errors.push(message) };
    const endpoints = {
      find: async () => {
        throw new Error('a sealed text does not open with this secret key');
      },
    };
    const { database, tell } = await start({ endpoints, log });
    await tell('v1');
    await eventually(() => expect(errors).toEqual(['an endpoint cannot be told anything']));
    await eventually(async () => expect(await database.webhookLanes.listDue(allLanes, 1)).toEqual([]));
    expect(await database.webhookDeliveries.countPending()).toBe(1);
    clock.now += 30_000;
    await eventually(() => expect(errors).toHaveLength(2));
  });

  test('sends nothing in read-only mode', async () => {
    const state: { reason: string | undefined } = { reason: 'maintenance' };
    const asked: string[] = [];
    const { sent, tell } = await start({
      readOnlyReason: async () => {
        asked.push('asked');
        return state.reason;
      },
    });
    await tell('v1');
    await eventually(() => expect(asked.length).toBeGreaterThan(1));
    expect(sent).toEqual([]);
    state.reason = undefined;
    await eventually(() => expect(sent).toEqual(['v1']));
  });

  test('breaks off when it is closed, and what it was sending is as if it had not been tried', async () => {
    const { promise: isSending, resolve } = Promise.withResolvers<void>();
    const { database, worker, tell } = await start({
      sender: {
        send: (_post, _timeoutMs, signal) =>
          new Promise((reply) => {
            resolve();
            const broken = { ...taken, status: undefined, error: 'was broken off', isDown: true };
            signal.addEventListener('abort', () => reply(broken));
          }),
      },
    });
    await tell('v1');
    await isSending;
    await worker.close();
    const key = await database.webhookLanes.listDue(allLanes, 1);
    expect(key).toHaveLength(1);
    const [lane = expect.fail()] = key;
    expect(await database.webhookDeliveries.findNext(lane)).toMatchObject({ state: 'pending', attempts: 0 });
  });
});

test('a wait doubles with each failure, up to ten minutes', () => {
  expect([1, 2, 3, 4, 10, 11, 1000].map((failures) => backOff(failures, 1000, 1))).toEqual([
    1000, 2000, 4000, 8000, 512_000, 600_000, 600_000,
  ]);
});

test('a wait is between a half and the whole of it', () => {
  expect(backOff(3, 1000, 0)).toBe(2000);
  expect(backOff(3, 1000, 0.5)).toBe(3000);
});
