import Koa from 'koa';
import { expect, test } from 'vitest';
import { operationsRoutes, probeRoutes } from '../../../../src/api/operations/operations.ts';
import { type Duty, Readiness } from '../../../../src/api/operations/readiness.ts';
import { Listener } from '../../../../src/api/server/server.ts';
import { createMetrics } from '../../../../src/app/metrics/metrics.ts';
import { UnavailableError } from '../../../../src/oci/unavailable.ts';
import { KeptLog } from '../registry/registry-server.ts';

type Checks = Readonly<Record<string, () => Promise<unknown>>>;

/** @param needed for what; serving where left out */
async function start(runs: Checks, needed: Readonly<Record<string, Duty | undefined>> = {}) {
  const log = new KeptLog();
  const checks = Object.fromEntries(
    Object.entries(runs).map(([name, run]) => [
      name,
      { needed: name in needed ? needed[name] : ('serving' as const), run },
    ]),
  );
  const readiness = new Readiness({ checks, log, timeoutMs: 50, keepMs: { serving: 0, storing: 60_000 } });
  const app = new Koa();
  app.use(probeRoutes(readiness));
  app.use(operationsRoutes({ metrics: createMetrics() }));
  const listener = await Listener.open({
    address: '127.0.0.1:0',
    handler: app.callback(),
    shutdownMs: 100,
    log,
  });
  return { log, url: listener.url, [Symbol.asyncDispose]: () => listener.close() };
}

test('it is alive whatever its stores are', async () => {
  await using server = await start({ database: () => Promise.reject(new Error('gone')) });
  const answer = await fetch(`${server.url}/-/liveness`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({ status: 'ok' });
});

test('it is ready when every check passes', async () => {
  await using server = await start({ database: async () => undefined, storage: async () => undefined });
  const answer = await fetch(`${server.url}/-/readiness`);
  expect(answer.status).toBe(200);
  expect(await answer.json()).toEqual({
    status: 'ok',
    serving: 'ok',
    storing: 'ok',
    checks: { database: 'ok', storage: 'ok' },
  });
});

test('it is not ready when a check fails or hangs, says which, and why in the log alone', async () => {
  await using server = await start({
    database: () => new Promise(() => undefined),
    storage: () => Promise.reject(new Error('/secret/path is read-only')),
    cache: async () => undefined,
  });
  const answer = await fetch(`${server.url}/-/readiness`);
  expect(answer.status).toBe(503);
  const text = await answer.text();
  expect(JSON.parse(text)).toEqual({
    status: 'failed',
    serving: 'failed',
    storing: 'failed',
    checks: { database: 'failed', storage: 'failed', cache: 'ok' },
  });
  expect(text).not.toContain('secret');
  expect(server.log.lines.map(({ fields }) => fields['check']).sort()).toEqual(['database', 'storage']);
});

test('pulls that work are not taken away where nothing can be stored, which has a path of its own', async () => {
  let writes = 0;
  await using server = await start(
    {
      read: async () => undefined,
      write: async () => {
        writes += 1;
        throw new UnavailableError('the disk is full', { cause: new Error('/secret') });
      },
      shared: () => Promise.reject(new Error('/secret')),
    },
    { write: 'storing', shared: undefined },
  );
  const ask = async (path: string) => {
    const answer = await fetch(`${server.url}/-/readiness${path}`);
    return { status: answer.status, body: await answer.json() };
  };
  expect(await ask('')).toMatchObject({
    status: 200,
    body: { status: 'ok', serving: 'ok', storing: 'failed' },
  });
  expect(await ask('/storing')).toMatchObject({ status: 503, body: { status: 'failed' } });
  expect((await ask('?verbose')).body).toMatchObject({
    checks: {
      read: { status: 'ok', needed_for: 'serving' },
      write: { status: 'failed', needed_for: 'storing', reason: 'the disk is full' },
      shared: { status: 'failed', needed_for: 'nothing', reason: 'it failed: the log says why' },
    },
  });
  // Writing wears disks, and a log that repeats itself fills them.
  expect(writes).toBe(1);
  expect(server.log.lines.filter(({ fields }) => fields['check'] === 'write')).toHaveLength(1);
});

test('many who ask at once cost one run', async () => {
  let runs = 0;
  await using server = await start({
    database: async () => {
      runs += 1;
      await new Promise((resolve) => setTimeout(resolve, 40));
    },
  });
  await Promise.all(Array.from({ length: 10 }, () => fetch(`${server.url}/-/readiness`)));
  expect(runs).toBeLessThan(10);
});

test('metrics are Prometheus text', async () => {
  await using server = await start({});
  const answer = await fetch(`${server.url}/metrics`);
  expect(answer.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
  expect(await answer.text()).toContain('# TYPE entrepot_requests_total counter');
});
