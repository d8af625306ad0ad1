/**
 * What concurrent, late, slow, leaving and unlucky clients cost, against a counting upstream; exits 1 where a bound is broken.
 *
 *   node test/e2e/cold-pull-figures.ts [--blob-mib 64] [--runs 30] [--memory-mib 2048] [--memory-clients 64] [--patience 1] [--only PART]… [--write]
 *
 * `--patience` multiplies the bounds on time, for machines that do other things too; the parts are the files of figures/;
 * `--write` puts the table into docs/performance.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { brokenTransfers } from './figures/broken-transfers.ts';
import { coalescing } from './figures/coalescing.ts';
import { firstByte } from './figures/first-byte.ts';
import { freshness } from './figures/freshness.ts';
import { memory } from './figures/memory.ts';
import { slowFollower } from './figures/slow-follower.ts';
import { startUp } from './figures/start-up.ts';
import { Entrepot } from './support/entrepot.ts';
import { FakeUpstream } from './support/fake-upstream.ts';
import { type Figure, megabyte, printFigures, rowsOf, type Stage } from './support/figure.ts';

const { values } = parseArgs({
  options: {
    'blob-mib': { type: 'string', default: '64' },
    runs: { type: 'string', default: '30' },
    'memory-mib': { type: 'string', default: '2048' },
    'memory-clients': { type: 'string', default: '64' },
    patience: { type: 'string', default: '1' },
    only: { type: 'string', multiple: true },
    write: { type: 'boolean', default: false },
  },
});

const directory = mkdtempSync(join(tmpdir(), 'entrepot-figures-'));
const upstream = await FakeUpstream.start();
const server = await Entrepot.start({ directory: join(directory, 'shared') });
const figures: Figure[] = [];
try {
  await server.setUpstreams(1, [{ url: upstream.url, name: 'counting' }]);
  const stage: Stage = {
    server,
    upstream,
    blobBytes: Number(values['blob-mib']) * megabyte,
    runs: Number(values.runs),
    patience: Number(values.patience),
  };
  const memoryBytes = Number(values['memory-mib']) * megabyte;
  const parts: Readonly<Record<string, () => Promise<Figure[]>>> = {
    'start-up': () => startUp(stage, join(directory, 'starts')),
    coalescing: () => coalescing(stage),
    freshness: () => freshness(stage, join(directory, 'freshness')),
    'first-byte': () => firstByte(stage),
    'broken-transfers': () => brokenTransfers(stage),
    'slow-follower': () => slowFollower(stage),
    memory: () => memory(stage, join(directory, 'memory'), memoryBytes, Number(values['memory-clients'])),
  };
  const wanted = values.only ?? Object.keys(parts);
  for (const name of wanted) {
    const part = parts[name];
    if (!part) throw new Error(`no part is called ${name}`);
    figures.push(...(await part()));
    await upstream.call('clearFaults');
    await upstream.call('forgetRequests');
  }
} finally {
  await server.stop();
  await upstream.close();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const how =
    'Clients, server and upstream are processes of their own on one machine. `npm run test:figures`';
  writeSection('cold-pulls', `## Cold pulls\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`);
}
