import Koa from 'koa';
import { expect, test } from 'vitest';
import { type DebugOptions, debugRoutes } from '../../../../src/api/operations/debug.ts';
import { Listener } from '../../../../src/api/server/server.ts';
import { KeptLog } from '../registry/registry-server.ts';

const token = 'a-token-of-twenty-and-more';

async function start(options: Partial<DebugOptions> = {}) {
  const log = new KeptLog();
  const recorded: unknown[] = [];
  const app = new Koa();
  app.use(
    debugRoutes({
      token,
      readiness: { results: async () => [{ name: 'database', needed: 'serving', reason: undefined }] },
      readVariables: () => ({ pid: 7 }),
      profiler: {
        async record(kind, ms) {
          recorded.push([kind, ms]);
          return `{"kind":"${kind}"}`;
        },
      },
      log,
      ...options,
    }),
  );
  const listener = await Listener.open({
    address: '127.0.0.1:0',
    handler: app.callback(),
    shutdownMs: 100,
    log,
  });
  return {
    log,
    recorded,
    ask: (
      path: string,
      {
        authorization = `Bearer ${token}`,
        method = 'GET',
        signal,
      }: RequestInit & { authorization?: string } = {},
    ) => fetch(`${listener.url}${path}`, { method, headers: { authorization }, ...(signal && { signal }) }),
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

test.each(['/debug/health', '/debug/vars', '/debug/profiles/cpu', '/debug/profiles/heap', '/debug/none'])(
  'without the token %s says what to send, and nothing else',
  async (path) => {
    await using server = await start();
    for (const authorization of ['', 'Bearer', `Bearer ${token}x`, `Basic ${token}`, token]) {
      const answer = await server.ask(path, { authorization });
      expect(answer.status).toBe(401);
      expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="debug"');
      expect(await answer.text()).toContain('ENTREPOT_DEBUG_TOKEN');
    }
    expect(server.recorded).toEqual([]);
  },
);

test('health is empty where all is well, and says what failed and why', async () => {
  await using well = await start();
  const answer = await well.ask('/debug/health');
  expect([answer.status, await answer.json()]).toEqual([200, {}]);
  await using ill = await start({
    readiness: {
      results: async () => [
        { name: 'database', needed: 'serving', reason: undefined },
        { name: 'storage', needed: 'storing', reason: 'the disk is full' },
      ],
    },
  });
  const fault = await ill.ask('/debug/health');
  expect([fault.status, await fault.json()]).toEqual([503, { storage: 'the disk is full' }]);
});

test('variables are told', async () => {
  await using server = await start();
  const answer = await server.ask('/debug/vars');
  expect(await answer.json()).toEqual({ pid: 7 });
  expect(answer.headers.get('cache-control')).toBe('no-store');
});

test('a profile takes as many seconds as are asked for, and is a file', async () => {
  await using server = await start();
  const answer = await server.ask('/debug/profiles/cpu?seconds=1.5');
  expect(answer.headers.get('content-disposition')).toBe('attachment; filename="entrepot.cpuprofile"');
  expect(await answer.json()).toEqual({ kind: 'cpu' });
  await server.ask('/debug/profiles/heap');
  expect(server.recorded).toEqual([
    ['cpu', 1500],
    ['heap', 30_000],
  ]);
});

test.each(['0', '-1', '120.1', '1e9', 'x', '', '5&seconds=6'])('seconds=%s is refused', async (seconds) => {
  await using server = await start();
  const answer = await server.ask(`/debug/profiles/cpu?seconds=${seconds}`);
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { error: 'seconds: expected more than 0, and at most 120' },
  ]);
  expect(server.recorded).toEqual([]);
});

test('a second profile at a time is refused', async () => {
  await using server = await start({ profiler: { record: async () => undefined } });
  expect((await server.ask('/debug/profiles/heap')).status).toBe(409);
});

test('a client that leaves ends its profile', async () => {
  const begun = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  await using server = await start({
    profiler: {
      record: (_kind, _ms, signal) => {
        begun.resolve();
        return new Promise((resolve) => {
          signal.addEventListener('abort', () => {
            ended.resolve();
            resolve('{}');
          });
        });
      },
    },
  });
  const leaving = new AbortController();
  const asking = server.ask('/debug/profiles/cpu', { signal: leaving.signal });
  await begun.promise;
  leaving.abort();
  await expect(asking).rejects.toThrow();
  await ended.promise;
});

test('other paths and methods are told what there is', async () => {
  await using server = await start();
  expect((await server.ask('/debug/none')).status).toBe(404);
  const answer = await server.ask('/debug/vars', { method: 'POST' });
  expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET']);
});
