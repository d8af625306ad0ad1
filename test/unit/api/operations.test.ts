import Koa from 'koa';
import { expect, test } from 'vitest';
import { type Checks, operationsRoutes, probeRoutes } from '../../../src/api/operations.ts';
import { Listener } from '../../../src/api/server.ts';
import { createMetrics } from '../../../src/metrics.ts';
import { KeptLog } from './registry/registry-server.ts';

async function start(checks: Checks) {
  const log = new KeptLog();
  const app = new Koa();
  app.use(probeRoutes({ checks, log, timeoutMs: 50 }));
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
  expect(await answer.json()).toEqual({ status: 'ok', checks: { database: 'ok', storage: 'ok' } });
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
    checks: { database: 'failed', storage: 'failed', cache: 'ok' },
  });
  expect(text).not.toContain('secret');
  expect(server.log.lines.map(({ fields }) => fields['check']).sort()).toEqual(['database', 'storage']);
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
