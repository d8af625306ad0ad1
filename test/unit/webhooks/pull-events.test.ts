import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import { PullEvents, type PullNote } from '../../../src/webhooks/pull-events.ts';
import { describeEachDatabase } from '../../support/databases.ts';
import { createRepository } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';

const origin = {
  requestId: 'r',
  address: '192.0.2.7',
  externalUrl: 'https://registry.example',
  method: 'GET',
  userAgent: 'docker',
  actorType: '',
} as const;

function pullOf(repository: string, size: number): PullNote {
  const name = parseRepositoryName(repository);
  const digest = digestOf(Buffer.from('x'));
  return { repository: name, digest, size, mediaType: 'a/b', tag: undefined, actorName: 'ada', origin };
}

const settings = {
  name: undefined,
  description: undefined,
  url: 'https://ci.example/',
  secretSealed: undefined,
  headersSealed: undefined,
  headerNames: [],
  ignoredActions: [],
  ignoredMediaTypes: [],
  timeoutMs: undefined,
  backoffMs: undefined,
  maxRetries: undefined,
  isDisabled: false,
};

describeEachDatabase('pulls that someone wants to be told of', (open) => {
  async function startPulls(maxQueued: number) {
    const database = await open();
    const { projectId } = await createRepository(database, 'acme/shop');
    await createRepository(database, 'acme/other');
    const state = { readOnly: undefined as string | undefined, lost: 0 };
    const pulls = new PullEvents({
      database,
      readOnlyReason: async () => state.readOnly,
      observer: {
        pullsLost(count) {
          state.lost += count;
        },
      },
      log: silentLog,
      maxQueued,
    });
    const start = async () => {
      await pulls.start();
      expect(pulls.areWanted).toBe(true);
    };
    return { database, pulls, projectId, state, start };
  }

  test('are nothing to note where nobody does', async () => {
    const { database, pulls, projectId } = await startPulls(10);
    await database.webhooks.create(projectId, { ...settings, ignoredActions: ['pull'] });
    await database.webhooks.create(projectId, { ...settings, isDisabled: true });
    await pulls.start();
    expect(pulls.areWanted).toBe(false);
    await pulls.close();
  });

  test('are recorded for those who want them, in their order, and for nobody else', async () => {
    const { database, pulls, projectId, start } = await startPulls(10);
    const { id } = await database.webhooks.create(projectId, settings);
    await start();
    for (const size of [1, 2, 3]) pulls.note(pullOf('acme/shop', size));
    pulls.note(pullOf('acme/other', 4));
    pulls.note(pullOf('acme/gone', 5));
    await pulls.close();
    const { records } = await database.webhookDeliveries.list(id, {}, { page: 1, perPage: 10 });
    expect(records.map(({ event }) => JSON.parse(event).target.size)).toEqual([3, 2, 1]);
    expect(await database.webhookDeliveries.countPending()).toBe(3);
  });

  test('are dropped and counted where there are too many at once', async () => {
    const { database, pulls, projectId, state, start } = await startPulls(2);
    await database.webhooks.create(projectId, settings);
    await start();
    for (const size of [1, 2, 3, 4]) pulls.note(pullOf('acme/shop', size));
    await pulls.close();
    expect(await database.webhookDeliveries.countPending()).toBe(2);
    expect(state.lost).toBe(2);
  });

  test('wait while nothing may be changed', async () => {
    const { database, pulls, projectId, state, start } = await startPulls(10);
    await database.webhooks.create(projectId, settings);
    await start();
    state.readOnly = 'maintenance';
    pulls.note(pullOf('acme/shop', 1));
    await pulls.flush();
    expect(await database.webhookDeliveries.countPending()).toBe(0);
    state.readOnly = undefined;
    await pulls.close();
    expect(await database.webhookDeliveries.countPending()).toBe(1);
  });
});
