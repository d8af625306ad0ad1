/**
 * Made-up requests over raw sockets to /v2 and /jwt/auth of a server in a process of its own. Exits 1 where one is answered with a 5xx other than
 * 503, where the server's event loop stands still for more than 50 ms of the processor's time, or where it does not answer in the end. What is
 * wrong is printed with its number: `--first NUMBER --count 1` sends it again.
 *
 *   node test/e2e/fuzz.ts [--count 10000] [--seed 1] [--first 0]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { digestOf } from '../../src/oci/digest.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { type FuzzRequest, type Known, makeRequest } from './support/fuzz-requests.ts';
import type { LoopFigures } from './support/loop-monitor.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '10000' },
    seed: { type: 'string', default: '1' },
    first: { type: 'string', default: '0' },
  },
});
const [count, seed, first] = [Number(values.count), Number(values.seed), Number(values.first)];
const maxBusyMs = 50;
/** Sent at a time, and between two looks at the loop. */
const clients = 8;
const batch = 80;
const patienceMs = 15_000;
/** What is not whole gets its answer, if it gets one, about at once. */
const brokenPatienceMs = 20;
const warmUp = 400;
const token = 'ent-test-root-token-0123456789';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-fuzz-'));
const upstream = await new FakeRegistry().start();
upstream.repository('team/app').addImage({ tag: 'v1' });
const child = startServer();
try {
  const url = await listening(child);
  process.exitCode = (await run(url)) ? 0 : 1;
} finally {
  child.kill('SIGKILL');
  await upstream.stop();
  rmSync(directory, { recursive: true, force: true });
}

function startServer(): ChildProcess {
  const monitor = resolve(import.meta.dirname, 'support/loop-monitor.ts');
  const main = resolve(import.meta.dirname, '../../src/main.ts');
  return spawn(process.execPath, ['--import', monitor, main, 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    env: {
      ENTREPOT_DATA_DIRECTORY: join(directory, 'data'),
      ENTREPOT_HTTP__ADDRESS: '127.0.0.1:0',
      ENTREPOT_OPERATIONS__ADDRESS: '',
      ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '127.0.0.0/8',
      ENTREPOT_RATE_LIMITS__REQUESTS: '0',
      ENTREPOT_AUTH__TOKEN_SECONDS: '1h',
      ENTREPOT_ROOT_TOKEN: token,
    },
  });
}

async function listening(server: ChildProcess): Promise<string> {
  let said = '';
  server.stdout?.on('data', (bytes) => {
    said = `${said}${bytes}`.slice(-100_000);
    for (const line of String(bytes).split('\n'))
      if (/failed unexpectedly|"status":5/.test(line)) console.log(line);
  });
  for (;;) {
    const url = /"url":"([^"]+)".*"listening"/.exec(said)?.[1];
    if (url) return url;
    if (server.exitCode !== null) throw new Error(`it ended: ${said}`);
    await Promise.race([server.stdout && once(server.stdout, 'data'), once(server, 'close')]);
  }
}

/** @returns whether all held */
async function run(url: string): Promise<boolean> {
  const port = Number(new URL(url).port);
  const known = await prepare(url);
  console.log(`seed ${seed}, ${count} requests from number ${first}`);
  const faults: string[] = [];
  const statuses = new Map<number, number>();
  const send = async (number: number) => {
    const answers = await exchange(port, makeRequest(seed * 1_000_003 + number, known));
    for (const status of answers) {
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
      if (status >= 500 && status !== 503) faults.push(`request ${number} was answered ${status}`);
    }
  };
  const sendAll = async (from: number, until: number) => {
    let next = from;
    const client = async () => {
      while (next < until) {
        const number = next;
        next += 1;
        await send(number);
      }
    };
    await Promise.all(Array.from({ length: clients }, client));
  };
  // What is compiled for the first time takes longer.
  await sendAll(first + count, first + count + warmUp);
  statuses.clear();
  await figuresOf(child);
  const startedAt = performance.now();
  let [busyMs, delayMs, residentBytes] = [0, 0, 0];
  for (let from = first; from < first + count; from += batch) {
    const until = Math.min(from + batch, first + count);
    await sendAll(from, until);
    let figures = await figuresOf(child);
    if (figures.busyMs > maxBusyMs) {
      // A request that costs so much costs it again; a collection of garbage comes when it comes.
      await sendAll(from, until);
      figures = await figuresOf(child);
    }
    busyMs = Math.max(busyMs, figures.busyMs);
    delayMs = Math.max(delayMs, figures.delayMs);
    residentBytes = Math.max(residentBytes, figures.residentBytes);
    if (figures.busyMs > maxBusyMs)
      faults.push(
        `the loop stood still for ${figures.busyMs.toFixed(1)} ms in requests ${from} to ${until - 1}`,
      );
  }
  const alive = await fetch(`${url}/v2/`, { headers: { authorization: known.basic } });
  if (alive.status !== 200) faults.push(`in the end it answered ${alive.status}`);
  const byStatus = [...statuses].sort(([a], [b]) => a - b).map(([status, times]) => `${status}: ${times}`);
  console.log(`answers ${byStatus.join(', ')}`);
  console.log(
    `${((performance.now() - startedAt) / 1000).toFixed(0)} s; the loop stood still for ${busyMs.toFixed(1)} ms of the processor's time at most, ${delayMs.toFixed(1)} ms by the clock; ${Math.round(residentBytes / 2 ** 20)} MiB resident`,
  );
  for (const fault of faults.slice(0, 50)) console.log(`FAULT: ${fault}`);
  console.log(faults.length === 0 ? 'all held' : `${faults.length} faults`);
  return faults.length === 0;
}

/** A project to push to, an upstream to pull from, and what credentials need. */
async function prepare(url: string): Promise<Known> {
  const call = (method: string, path: string, body: object) =>
    fetch(`${url}/api/v4${path}`, {
      method,
      headers: { 'private-token': token, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const { id } = (await (await call('POST', '/groups', { name: 'fuzz', path: 'fuzz' })).json()) as {
    id: number;
  };
  await call('POST', '/projects', { name: 'images', path: 'images', namespace_id: id });
  const registry = '/virtual_registries/container/registries/1/upstreams';
  const hub = '/virtual_registries/container/upstreams/1';
  await fetch(`${url}/api/v4${hub}`, { method: 'DELETE', headers: { 'private-token': token } });
  await call('POST', registry, { name: 'fake', url: upstream.url });
  const basic = `Basic ${Buffer.from(`root:${token}`).toString('base64')}`;
  const scope = 'repository:fuzz/images:pull,push,delete';
  const issued = await fetch(`${url}/jwt/auth?service=container_registry&scope=${scope}`, {
    headers: { authorization: basic },
  });
  const bearer = (await issued.json()) as { token: string };
  const content = Buffer.from('{}');
  const digest = digestOf(content);
  await fetch(`${url}/v2/fuzz/images/blobs/uploads/?digest=${digest}`, {
    method: 'POST',
    headers: { authorization: basic },
    body: content,
  });
  return { basic, bearer: `Bearer ${bearer.token}`, digest };
}

/** @returns the statuses of all answers */
async function exchange(port: number, { parts, isWhole, end }: FuzzRequest): Promise<number[]> {
  const socket = connect(port, '127.0.0.1');
  const closed = new Promise<void>((done) => socket.once('close', () => done()));
  socket.on('error', () => undefined);
  let received = '';
  let answered = (): void => undefined;
  const answer = new Promise<void>((done) => {
    answered = done;
  });
  socket.setEncoding('latin1').on('data', (text) => {
    received += text;
    answered();
  });
  for (const [index, part] of parts.entries()) {
    if (index > 0) await sleep(1);
    socket.write(part);
  }
  if (end === 'half-close') socket.end();
  const patience = AbortSignal.timeout(isWhole && end === 'wait' ? patienceMs : brokenPatienceMs);
  const tooLate = new Promise<void>((done) => patience.addEventListener('abort', () => done()));
  await Promise.race([closed, tooLate, answer]);
  socket.destroy();
  await closed;
  return [...received.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status));
}

async function figuresOf(server: ChildProcess): Promise<LoopFigures> {
  const figures = once(server, 'message');
  server.send('figures');
  const [answer] = await figures;
  return answer as LoopFigures;
}
