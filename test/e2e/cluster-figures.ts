/**
 * What a cold blob costs several replicas that are asked for it at once, and what it costs when the one that fetches it is killed;
 * exits 1 where a bound is broken. Needs nginx and a PostgreSQL (TEST_POSTGRES_URL); TEST_REDIS_URL is used where it is set.
 *
 *   node test/e2e/cluster-figures.ts [--replicas 3] [--clients 64] [--blob-mib 256] [--mb-per-second 50] [--runs 20] [--patience 1] [--write]
 *
 * `--patience` multiplies the bounds on time, for machines that do other things too; `--write` puts the table into docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { FakeUpstream } from './support/fake-upstream.ts';
import { type Figure, median, megabyte, printFigures, rowsOf } from './support/figure.ts';
import { missing } from './support/processes.ts';
import { pullWhole } from './support/pull-whole.ts';
import { pull } from './support/pulling.ts';
import { Replicas } from './support/replicas.ts';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '3' },
    clients: { type: 'string', default: '64' },
    'blob-mib': { type: 'string', default: '256' },
    'mb-per-second': { type: 'string', default: '50' },
    runs: { type: 'string', default: '20' },
    patience: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const clients = Number(values.clients);
const blobBytes = Number(values['blob-mib']) * megabyte;
const patience = Number(values.patience);
const bytesPerSecond = Number(values['mb-per-second']) * 1_000_000;
const repository = 'cluster/image';
const firstByteMs = 50;

const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;
const absent = [...(await missing('nginx')), ...(postgresUrl === undefined ? ['TEST_POSTGRES_URL'] : [])];
if (postgresUrl === undefined || absent.length > 0) {
  console.log(`skipped: without ${absent.join(' and ')}`);
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 'entrepot-cluster-'));
const upstream = await FakeUpstream.start();
const replicas = await Replicas.start({
  directory,
  count: Number(values.replicas),
  postgresUrl,
  redisUrl: process.env['TEST_REDIS_URL'] || undefined,
  // A machine that has much else to do answers late.
  env: { ENTREPOT_CLUSTER__REACH_SECONDS: String(0.2 * patience) },
});
const { authorization } = replicas.first;
const figures: Figure[] = [];
try {
  await replicas.first.setUpstreams(1, [{ url: upstream.url, name: 'counting' }]);
  // So that each replica knows of it.
  await sleep(1500);
  await upstream.call('fault', { kind: 'blob' }, { bytesPerSecond });
  figures.push(await firstBytes(), ...(await oneForAll()), ...(await ownerKilled()));
} finally {
  await replicas.stop();
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const how = `${values.replicas} replicas on PostgreSQL, Redis and one blob directory behind nginx, ${clients} clients, an upstream that sends ${values['mb-per-second']} MB/s, all on one machine. \`npm run test:cluster\``;
  writeSection('replicas', `## Replicas\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`);
}

function pathOf(digest: string): string {
  return `/v2/virtual_registries/container/1/${repository}/blobs/${digest}`;
}

async function blobGets() {
  return upstream.call('requests', { kind: 'blob', method: 'GET' });
}

/** One client at each replica, at once: how much later the others' first bytes come than those of who fetches. */
async function firstBytes(): Promise<Figure> {
  const laterMs: number[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    const digest = await upstream.call('addBlob', repository, 2 * megabyte, 1000 + run);
    const pulled = await Promise.all(
      replicas.servers.map(({ url }) => pull(url + pathOf(digest), { authorization })),
    );
    const [first = Number.NaN, ...others] = pulled.map((each) => each.firstByteMs).toSorted((a, b) => a - b);
    laterMs.push(...others.map((each) => each - first));
  }
  await upstream.call('forgetRequests');
  const measured = median(laterMs);
  return {
    what: 'first byte at another replica than the one that fetches, later by (median)',
    bound: `${firstByteMs * patience} ms`,
    measured: `${measured.toFixed(1)} ms`,
    holds: measured <= firstByteMs * patience,
  };
}

async function oneForAll(): Promise<Figure[]> {
  const digest = await upstream.call('addBlob', repository, blobBytes, 1);
  const pulled = await Promise.all(
    Array.from({ length: clients }, () => pull(replicas.url + pathOf(digest), { authorization })),
  );
  const right = pulled.filter((each) => each.isComplete && each.digest === digest).length;
  const gets = await blobGets();
  await upstream.call('forgetRequests');
  return [
    count(`requests of a cold blob of ${values['blob-mib']} MiB for ${clients} clients`, gets.length, 1, 1),
    count('clients that have all of it', right, clients, clients),
  ];
}

/** Clients go on by Range where they are cut off, as Docker and containerd do. */
async function ownerKilled(): Promise<Figure[]> {
  const digest = await upstream.call('addBlob', repository, blobBytes, 2);
  const url = replicas.url + pathOf(digest);
  const pulls = Promise.all(Array.from({ length: clients }, () => pullWhole(url, { authorization })));
  for (;;) {
    const [first] = await blobGets();
    if (first && first.bytesSent >= 0.3 * blobBytes) break;
    await sleep(20);
  }
  const owner = await replicas.ownerOf(digest);
  if (!owner)
    throw new Error('nobody fetches the blob any more: it needs a larger one, or a slower upstream');
  await owner.program.end('SIGKILL');
  const pulled = await pulls;
  const gets = await blobGets();
  const others = gets.slice(1);
  const fromZero = others.filter(({ range }) => range === undefined || range.startsWith('bytes=0-'));
  return [
    count(
      'killed at 30 %: clients that have all of it',
      pulled.filter((each) => each === digest).length,
      clients,
      clients,
    ),
    count('requests of the upstream', gets.length, 1, 2),
    count('of them from zero, after the first', fromZero.length, 0, 0),
  ];
}

function count(what: string, measured: number, least: number, most: number): Figure {
  return {
    what,
    bound: least === most ? String(most) : `at most ${most}`,
    measured: String(measured),
    holds: measured >= least && measured <= most,
  };
}
