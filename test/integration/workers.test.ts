/** Several processes of one server on one machine, on SQLite. */
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { get, type IncomingMessage, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { eventually } from '../support/eventually.ts';
import { freePort } from '../support/free-port.ts';
import { Run } from '../support/program.ts';

const rootToken = 'ent-test-root-token-0123456789';
/** Each start of a process takes long where much else runs. */
const patienceMs = 240_000;
const testMs = 600_000;
const root = { 'private-token': rootToken };

let directory: string;
let runs: Run[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-workers-'));
  runs = [];
});
afterEach(async () => {
  await Promise.all(runs.map((run) => run.end('SIGKILL')));
  await rm(directory, { recursive: true, force: true });
});

const refusals = /^entrepot_requests_total\{.*status="401"\} (\d+)$/m;

interface Answer {
  readonly status: number;
  readonly body: string;
}

/** Over a connection of its own, so that workers are asked in turn. */
function ask(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    get(url, { agent: false, headers }, async (response) => {
      let body = '';
      for await (const chunk of response) body += chunk;
      resolve({ status: response.statusCode ?? 0, body });
    }).on('error', reject);
  });
}

async function start(environment: Readonly<Record<string, string>> = {}) {
  const address = `127.0.0.1:${await freePort()}`;
  const operations = `127.0.0.1:${await freePort()}`;
  const run = new Run(directory, [], {
    ENTREPOT_HTTP__ADDRESS: address,
    ENTREPOT_OPERATIONS__ADDRESS: operations,
    ENTREPOT_HTTP__WORKERS: '2',
    ENTREPOT_ROOT_TOKEN: rootToken,
    ENTREPOT_RATE_LIMITS__REQUESTS: '0',
    ...environment,
  });
  runs.push(run);
  return { run, address, url: `http://${address}`, operations: `http://${operations}` };
}

/** By worker, since the last start of the program. */
function timesListening({ stdout }: Run): Record<string, number> {
  const times: Record<string, number> = {};
  for (const [, worker = ''] of stdout.matchAll(/"worker":(\d+),.*"message":"listening"/g))
    times[worker] = (times[worker] ?? 0) + 1;
  return times;
}

test(
  'workers share the address, records and metrics; what is revoked at one is refused by the other within a second',
  async () => {
    const { run, url, operations } = await start();
    await run.said(/all workers serve/);
    await eventually(() => expect(timesListening(run)).toEqual({ 1: 1, 2: 1 }));

    const processes = JSON.parse((await ask(`${url}/api/v4/admin/processes`, root)).body);
    expect(processes.map(({ name }: { name: string }) => /worker \d$/.exec(name)?.[0])).toEqual([
      'worker 1',
      'worker 2',
    ]);

    for (let asked = 0; asked < 7; asked += 1) await ask(`${url}/api/v4/version`, root);
    await eventually(async () => {
      const { body } = await ask(`${operations}/metrics`);
      expect(body).toMatch(
        /^entrepot_requests_total\{method="GET",route="\/api\/v4\/version",status="200"\} 7$/m,
      );
    });
    await eventually(async () => {
      const lines = run.stdout.split('\n').filter((line) => line.includes('"path":"/api/v4/version"'));
      expect(new Set(lines.map((line) => JSON.parse(line).worker))).toEqual(new Set([1, 2]));
    });

    const made = await fetch(`${url}/api/v4/users/1/personal_access_tokens`, {
      method: 'POST',
      headers: { ...root, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'short', scopes: ['api'] }),
    });
    const { id, token } = (await made.json()) as { id: number; token: string };
    const both = async (): Promise<number[]> => {
      const answers = [];
      for (let asked = 0; asked < 4; asked += 1)
        answers.push(await ask(`${url}/api/v4/user`, { 'private-token': token }));
      return answers.map(({ status }) => status);
    };
    expect(await both()).toEqual([200, 200, 200, 200]);
    await fetch(`${url}/api/v4/personal_access_tokens/${id}`, { method: 'DELETE', headers: root });
    await sleep(1000);
    expect(await both()).toEqual([401, 401, 401, 401]);

    expect(await run.end('SIGTERM')).toBe(0);
  },
  testMs,
);

test(
  'a restart of the workers refuses no connection, one that is killed is started again, and the data have one server',
  async () => {
    const { run, url, operations } = await start();
    await run.said(/all workers serve/);
    const faults: unknown[] = [];
    const asking = new AbortController();
    const askAll = async () => {
      while (!asking.signal.aborted) {
        const answer = await ask(`${url}/v2/`).catch((error: unknown) => error);
        if ((answer as Answer).status !== 401) faults.push(answer);
        await sleep(20);
      }
    };
    const clients = Promise.all([askAll(), askAll()]);
    run.signal('SIGHUP');
    await eventually(async () => expect(timesListening(run)).toEqual({ 1: 2, 2: 2 }), patienceMs);
    await eventually(
      async () => expect(run.stdout.match(/"message":"stopped"/g)).toHaveLength(2),
      patienceMs,
    );
    asking.abort();
    await clients;
    expect(faults).toEqual([]);

    const before = (await ask(`${operations}/metrics`)).body;
    const counted = Number(refusals.exec(before)?.[1]);
    expect(counted).toBeGreaterThan(0);

    const last = run.stdout.split('\n').findLast((line) => line.includes('"message":"listening"'));
    process.kill(JSON.parse(last ?? '').pid, 'SIGKILL');
    await run.said(/"signal":"SIGKILL".*a worker ended, and is started again/);
    expect((await ask(`${url}/-/readiness`)).status).toBe(200);
    await eventually(
      async () => expect(Object.values(timesListening(run)).toSorted()).toEqual([2, 3]),
      patienceMs,
    );
    await eventually(async () => {
      const { body } = await ask(`${operations}/metrics`);
      const [, after] = refusals.exec(body) ?? [];
      expect(Number(after)).toBeGreaterThanOrEqual(counted);
    });

    const { run: second } = await start();
    expect(await second.exitCode()).toBe(1);
    expect(second.stderr).toMatch(/is in use by process \d+ on /);
    expect(await run.end('SIGTERM')).toBe(0);
  },
  testMs,
);

test(
  'where who started them is killed, workers finish what was begun and end, and the data are free for the next server',
  async () => {
    const { run, url } = await start();
    await run.said(/all workers serve/);
    const headers = { ...root, 'content-type': 'application/json' };
    for (const [path, fields] of [
      ['groups', { name: 'acme', path: 'acme' }],
      ['projects', { name: 'shop', path: 'shop', namespace_id: 2 }],
    ] as const) {
      const made = await fetch(`${url}/api/v4/${path}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(fields),
      });
      expect(made.status, await made.text()).toBe(201);
    }
    const authorization = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;
    const begun = await fetch(`${url}/v2/acme/shop/blobs/uploads/`, {
      method: 'POST',
      headers: { authorization },
    });
    const upload = request(new URL(begun.headers.get('location') ?? '', url), {
      method: 'PATCH',
      agent: false,
      headers: { authorization, expect: '100-continue' },
    });
    const answered = once(upload, 'response') as Promise<[IncomingMessage]>;
    upload.flushHeaders();
    await once(upload, 'continue');
    upload.write('first half, ');

    const killed = run.end('SIGKILL');
    await eventually(() => expect(run.stdout.match(/"message":"stopping"/g)).toHaveLength(2));
    await expect(ask(`${url}/v2/`)).rejects.toThrow('ECONNREFUSED');
    upload.end('second half');
    const [answer] = await answered;
    expect([answer.statusCode, answer.headers.range]).toEqual([202, '0-22']);
    // Their output ends with them.
    await killed;
    expect(run.stdout.match(/"message":"stopped"/g)).toHaveLength(2);

    const { run: next } = await start();
    await next.said(/all workers serve/);
    expect(await next.end('SIGTERM')).toBe(0);
  },
  testMs,
);

test(
  'workers that cannot start are not tried again: the program ends as one alone does, and says why',
  async () => {
    const { run, address } = await start();
    await run.said(/"url"/);
    const { run: refused } = await start({
      ENTREPOT_DATA_DIRECTORY: join(directory, 'other'),
      ENTREPOT_HTTP__ADDRESS: address,
    });
    expect(await refused.exitCode()).toBe(1);
    expect(refused.stderr).toMatch(/http\.address: .*something else listens there/);
    expect(refused.stdout).not.toContain('listening');
  },
  testMs,
);
