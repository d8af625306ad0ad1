/**
 * What a cold blob costs several processes that are asked for it at once, and what it costs when the one that fetches it is killed;
 * exits 1 where a bound is broken. Replicas need nginx and a PostgreSQL (TEST_POSTGRES_URL), and use TEST_REDIS_URL where it is set;
 * workers of one machine (`--as workers`) are on SQLite, and need neither.
 *
 *   node test/e2e/cluster-figures.ts [--as replicas|workers] [--processes 3] [--storage files|versitygw|minio] [--clients 64]
 *     [--blob-mib 256] [--mb-per-second 50] [--runs 20] [--patience 1] [--write]
 *
 * `--patience` multiplies the bounds on time, for machines that do other things too; `--write` puts the table into docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { openBlobPlace } from './support/blob-place.ts';
import { FakeUpstream } from './support/fake-upstream.ts';
import { type Figure, median, megabyte, printFigures, rowsOf } from './support/figure.ts';
import type { ManyProcesses } from './support/many-processes.ts';
import { missing } from './support/processes.ts';
import { pullWhole } from './support/pull-whole.ts';
import { pull } from './support/pulling.ts';
import { Replicas } from './support/replicas.ts';
import { Workers } from './support/workers.ts';

const { values } = parseArgs({
  options: {
    as: { type: 'string', default: 'replicas' },
    processes: { type: 'string', default: '3' },
    storage: { type: 'string', default: 'files' },
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

const isReplicas = values.as === 'replicas';
const postgresUrl = process.env['TEST_POSTGRES_URL'] ?? '';
const absent = [...(await missing('nginx')), ...(postgresUrl === '' ? ['TEST_POSTGRES_URL'] : [])];
if (isReplicas && absent.length > 0) {
  console.log(`skipped: without ${absent.join(' and ')}`);
  process.exit(0);
}

const directory = mkdtempSync(join(tmpdir(), 'entrepot-cluster-'));
const place = await openBlobPlace(values.storage, directory);
if (typeof place === 'string') {
  console.log(place);
  process.exit(0);
}
const upstream = await FakeUpstream.start();
const options = {
  directory,
  count: Number(values.processes),
  // A machine that has much else to do answers late.
  env: { ENTREPOT_CLUSTER__REACH_SECONDS: String(0.2 * patience), ...place.env },
};
const processes: ManyProcesses = isReplicas
  ? await Replicas.start({ ...options, postgresUrl, redisUrl: process.env['TEST_REDIS_URL'] || undefined })
  : await Workers.start(options);
const { authorization } = processes.first;
const figures: Figure[] = [];
try {
  await processes.first.setUpstreams(1, [{ url: upstream.url, name: 'counting' }]);
  // So that each process knows of it.
  await sleep(1500);
  await upstream.call('fault', { kind: 'blob' }, { bytesPerSecond });
  figures.push(await firstBytes(), ...(await oneForAll()), ...(await ownerKilled()));
} finally {
  await processes.stop();
  await upstream.close();
  await place.stop();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const who = isReplicas
    ? 'replicas on PostgreSQL and Redis behind nginx'
    : 'workers of one machine on SQLite';
  const where = place.bucket ? `a bucket of ${values.storage}` : 'one directory';
  const how = `${values.processes} ${who}, blobs in ${where}, ${clients} clients, an upstream that sends ${values['mb-per-second']} MB/s, all on one machine. \`npm run test:cluster\``;
  const title = `${isReplicas ? 'Replicas' : 'Workers'}${place.bucket ? ', blobs in S3' : ''}`;
  writeSection(
    `${values.as}${place.bucket ? '-s3' : ''}`,
    `## ${title}\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}

function pathOf(digest: string): string {
  return `/v2/virtual_registries/container/1/${repository}/blobs/${digest}`;
}

async function blobGets() {
  return upstream.call('requests', { kind: 'blob', method: 'GET' });
}

/** One client at each process, at once: how much later the others' first bytes come than those of who fetches. */
async function firstBytes(): Promise<Figure> {
  const laterMs: number[] = [];
  for (let run = 0; run < Number(values.runs); run += 1) {
    const digest = await upstream.call('addBlob', repository, 2 * megabyte, 1000 + run);
    const pulled = await Promise.all(
      processes.urls.map((url) => pull(url + pathOf(digest), { authorization })),
    );
    const [first = Number.NaN, ...others] = pulled.map((each) => each.firstByteMs).toSorted((a, b) => a - b);
    laterMs.push(...others.map((each) => each - first));
  }
  await upstream.call('forgetRequests');
  const measured = median(laterMs);
  return {
    what: 'first byte at another process than the one that fetches, later by (median)',
    bound: `${firstByteMs * patience} ms`,
    measured: `${measured.toFixed(1)} ms`,
    holds: measured <= firstByteMs * patience,
  };
}

async function oneForAll(): Promise<Figure[]> {
  const digest = await upstream.call('addBlob', repository, blobBytes, 1);
  const pulled = await Promise.all(
    Array.from({ length: clients }, () => pull(processes.url + pathOf(digest), { authorization })),
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
  const url = processes.url + pathOf(digest);
  const pulls = Promise.all(Array.from({ length: clients }, () => pullWhole(url, { authorization })));
  for (;;) {
    const [first] = await blobGets();
    if (first && first.bytesSent >= 0.3 * blobBytes) break;
    await sleep(20);
  }
  if (!(await processes.killOwnerOf(digest)))
    throw new Error('nobody fetches the blob any more: it needs a larger one, or a slower upstream');
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
