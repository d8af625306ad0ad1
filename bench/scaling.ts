/**
 * What requests cost where PostgreSQL has few records, and where it has very many, and how large these are.
 *
 *   node bench/scaling.ts [--manifests 10000,1000000] [--requests 200] [--write]
 *
 * Needs TEST_POSTGRES_URL, of a superuser; each number has a database of its own, of some 5 GB for each million. `--write` puts the tables
 * into docs/scaling.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { openDatabase } from '../src/metadata/db/database.ts';
import { execute, garbage } from '../test/e2e/figures/raw-rows.ts';
import { Entrepot, rootToken } from '../test/e2e/support/entrepot.ts';
import { printTable } from '../test/e2e/support/figure.ts';
import { PushClient } from '../test/e2e/support/pushing.ts';
import { collectorOf } from '../test/support/collecting.ts';
import { fakeImage, seededBlob } from '../test/support/fake-content.ts';
import { createDatabase } from '../test/support/postgres-database.ts';
import { silentLog } from '../test/support/silent-log.ts';
import { writeManyRecordsTo } from './many-records.ts';
import { machine, markdownTable, writeSection } from './performance-page.ts';

const { values } = parseArgs({
  options: {
    manifests: { type: 'string', default: '10000,1000000' },
    requests: { type: 'string', default: '200' },
    write: { type: 'boolean', default: false },
  },
});
const postgresUrl = process.env['TEST_POSTGRES_URL'];
if (!postgresUrl) {
  console.log('skipped: TEST_POSTGRES_URL is not set');
  process.exit(0);
}
const requests = Number(values.requests);
const project = 'many/records';
const collected = 200;
const listed = ['manifests', 'manifest_references', 'repository_manifests', 'tags', 'blobs', 'cache_entries'];

/** By what was measured. */
type Column = ReadonlyMap<string, string>;

const counts = values.manifests.split(',').map(Number);
const columns: Column[] = [];
for (const count of counts) columns.push(await measure(postgresUrl, count));
const rows = [
  ['', ...counts.map((count) => `${count.toLocaleString('en')} manifests`)],
  ...[...(columns[0]?.keys() ?? [])].map((what) => [
    what,
    ...columns.map((column) => column.get(what) ?? ''),
  ]),
];
printTable(rows);
if (values.write) writeSection('scaling', `${markdownTable(rows)}\n\n${machine()}`, 'scaling.md');

async function measure(serverUrl: string, manifests: number): Promise<Column> {
  const directory = mkdtempSync(join(tmpdir(), 'entrepot-scaling-'));
  const database = await createDatabase(serverUrl);
  const options = {
    directory,
    env: { ENTREPOT_DATABASE__URL: database.url, ENTREPOT_SECRET_KEY: '6b'.repeat(32) },
  };
  const column = new Map<string, string>();
  try {
    const first = await Entrepot.start(options);
    await first.createProject(project);
    await push(first, 'first', 1);
    await first.stop();
    const filledAt = performance.now();
    const tags = await writeManyRecordsTo(database.url, { manifests, project, upstreamId: 1 });
    column.set('filled in', `${((performance.now() - filledAt) / 1000).toFixed(0)} s`);
    const server = await Entrepot.start(options);
    try {
      for (const [what, path] of paths(tags)) column.set(what, await repeat(() => ask(server, path())));
      column.set(
        'push of a layer, a manifest and its tag',
        await repeat((run) => push(server, `run-${run}`, 100 + run)),
      );
    } finally {
      await server.stop();
    }
    column.set(`${collected} blobs collected, each`, await collect(database.url));
    for (const [what, bytes] of await sizes(database.url)) column.set(what, bytes);
    return column;
  } finally {
    await database.drop();
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Of `tags` tags any, which most probably nobody asked for before. */
function paths(tags: number): readonly (readonly [string, () => string])[] {
  const any = () => Math.floor(Math.random() * tags);
  const digest = () => `sha256:aa${any().toString(16).padStart(62, '0')}`;
  return [
    ['manifest by tag, not in memory', () => `/v2/${project}/manifests/v${any()}`],
    ['manifest by digest, not in memory', () => `/v2/${project}/manifests/${digest()}`],
    ['manifest by tag, in memory', () => `/v2/${project}/manifests/v0`],
    ['100 tags, the first', () => `/v2/${project}/tags/list?n=100`],
    ['100 tags, from anywhere', () => `/v2/${project}/tags/list?n=100&last=v${any()}`],
    ['referrers of a manifest', () => `/v2/${project}/referrers/${digest()}`],
    ['20 repositories', () => `/api/v4/projects/${encodeURIComponent(project)}/registry/repositories`],
    ['20 cache entries', () => '/api/v4/virtual_registries/container/upstreams/1/cache_entries'],
  ];
}

async function ask(server: Entrepot, path: string): Promise<void> {
  const headers: Record<string, string> = path.startsWith('/api/')
    ? { 'private-token': rootToken }
    : { authorization: server.authorization };
  const answer = await fetch(server.url + path, { headers });
  await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${path}: ${answer.status}`);
}

async function push(server: Entrepot, tag: string, seed: number): Promise<void> {
  const client = new PushClient(`${server.url}/v2/${project}`, server.authorization);
  const image = fakeImage({ layers: [seededBlob(1000, seed)], architecture: tag });
  for (const blob of [...image.layers, ...(image.config ? [image.config] : [])])
    if (!(await client.blob(blob, 'one PUT'))) throw new Error('a blob was refused');
  if (!(await client.manifest(image, tag))) throw new Error('a manifest was refused');
}

/** Median and 99th percentile, one after the other, after a few that are not counted. */
async function repeat(run: (number: number) => Promise<void>): Promise<string> {
  const times: number[] = [];
  const uncounted = 10;
  for (let number = 0; number < requests + uncounted; number += 1) {
    const startedAt = performance.now();
    await run(number);
    if (number >= uncounted) times.push(performance.now() - startedAt);
  }
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? Number.NaN;
  return `${at(0.5).toFixed(1)} ms, ${at(0.99).toFixed(1)} ms`;
}

async function collect(url: string): Promise<string> {
  const place = { url, file: '' };
  const database = await openDatabase({ ...place, log: silentLog, now: Date.now });
  try {
    const [{ id = 0 } = {}] = await query<{ id: number }>(
      url,
      `select id from repositories where name = '${project}'`,
    );
    await execute(place, garbage(place, id, 0, collected));
    const startedAt = performance.now();
    const { blobs } = await collectorOf({
      database,
      store: { delete: async () => undefined },
      clock: { now: Date.now() },
    }).run();
    if (blobs !== collected) throw new Error(`${blobs} blobs were collected`);
    return `${((performance.now() - startedAt) / collected).toFixed(2)} ms`;
  } finally {
    await database.close();
  }
}

/** With indexes. */
async function sizes(url: string): Promise<ReadonlyMap<string, string>> {
  const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(0)} MB`;
  const [whole] = await query<{ bytes: string }>(url, 'select pg_database_size(current_database()) as bytes');
  const result = new Map([['the database', megabytes(Number(whole?.bytes))]]);
  for (const table of listed) {
    const [size] = await query<{ bytes: string }>(url, `select pg_total_relation_size('${table}') as bytes`);
    result.set(`\`${table}\``, megabytes(Number(size?.bytes)));
  }
  return result;
}

async function query<Row extends object>(url: string, statement: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(statement)).rows;
  } finally {
    await client.end();
  }
}
