/**
 * Warm pulls, beside Debian's docker-registry in the same run and round by round in turn, one core for each server and another
 * for the load. `--all-cores` lets servers and load have all cores for blobs. Exits 1 where a bound is broken.
 *
 *   npm run bench -- [--rounds 5] [--seconds 5] [--layer-mib 1024] [--all-cores] [--write]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DockerRegistry } from '../test/e2e/support/docker-registry.ts';
import { median, megabyte, printTable } from '../test/e2e/support/figure.ts';
import { missing, run } from '../test/e2e/support/processes.ts';
import { type Contender, startEntrepot, startPeer, warm } from './contender.ts';
import { startFileServer } from './file-server.ts';
import { answersPerSecond, transfer } from './load.ts';
import { machine, markdownTable, writeSection } from './performance-page.ts';
import { pushImage } from './warm-content.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'layer-mib': { type: 'string', default: '1024' },
    'all-cores': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const serverCore = 0;

/** What was measured of one server, a value per round. */
class Series {
  readonly manifestsPerSecond: number[] = [];
  readonly gigabytesPerSecond: number[] = [];
  readonly cpuSecondsPerGib: number[] = [];
}

const absent = await missing('docker-registry', 'taskset', 'openssl', 'curl');
if (absent.length > 0) throw new Error(`not installed: ${absent.join(', ')}`);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
const storage = join(directory, 'storage');
const ours = new Series();
const theirs = new Series();
/** Of a server for files alone, where there is one: how far a blob can be taken. */
const files = new Series();
const hasFileServer = (await missing('nginx')).length === 0;
const origin = await DockerRegistry.start({ directory: join(directory, 'origin'), storage });
const image = await pushImage(origin.url, Number(values['layer-mib']) * megabyte);
const blob = image.layers.at(-1)?.digest ?? '';
try {
  await duel('manifests', serverCore, async (contender, series) => {
    const authorization = await contender.bearer();
    const rate = await answersPerSecond(contender.manifestUrl, authorization, Number(values.seconds));
    series.manifestsPerSecond.push(rate);
  });
  const pinned = !values['all-cores'];
  await duel('blobs', pinned ? serverCore : undefined, async (contender, series) => {
    const url = contender.blobUrl(blob);
    const done = await transfer({ url, authorization: await contender.bearer(), pid: contender.pid, pinned });
    series.gigabytesPerSecond.push(done.bytesPerSecond / 1e9);
    series.cpuSecondsPerGib.push(done.cpuSecondsPerGib);
  });
} finally {
  await origin.stop();
  rmSync(directory, { recursive: true, force: true });
}

/** Warms both and measures one after the other, who is first changing with every round. */
async function duel(
  name: string,
  core: number | undefined,
  measure: (contender: Contender, series: Series) => Promise<void>,
): Promise<void> {
  const entrepot = await startEntrepot(join(directory, name, 'entrepot'), origin.url, core);
  const peer = await startPeer(join(directory, name, 'peer'), storage, core);
  const turns = [
    { contender: entrepot, series: ours },
    { contender: peer, series: theirs },
  ];
  try {
    for (const { contender } of turns) await warm(contender, image.digest, blob);
    if (name === 'blobs' && hasFileServer) {
      const contender = await startFileServer(join(directory, name, 'files'), storage, core);
      turns.push({ contender, series: files });
    }
    for (let round = 0; round < rounds; round += 1) {
      for (const { contender, series } of turns) await measure(contender, series);
      turns.reverse();
    }
  } finally {
    for (const { contender } of turns) await contender.stop();
  }
}

interface Comparison {
  readonly what: string;
  readonly unit: string;
  readonly decimals: number;
  readonly field: keyof Series;
  readonly side: 'at least' | 'at most';
  readonly ratio: number;
}

const comparisons: readonly Comparison[] = [
  {
    what: 'manifest by tag, bearer token',
    unit: '/s',
    decimals: 0,
    field: 'manifestsPerSecond',
    side: 'at least',
    ratio: 15,
  },
  { what: 'blob', unit: ' GB/s', decimals: 2, field: 'gigabytesPerSecond', side: 'at least', ratio: 1.3 },
  {
    what: 'processor time per GiB',
    unit: ' s',
    decimals: 2,
    field: 'cpuSecondsPerGib',
    side: 'at most',
    ratio: 0.5,
  },
];
const compared = comparisons.map(({ what, unit, decimals, field, side, ratio }) => {
  const measured = median(ours[field]) / median(theirs[field]);
  const holds = side === 'at least' ? measured >= ratio : measured <= ratio;
  const show = (series: Series) =>
    series[field].length === 0 ? '' : `${median(series[field]).toFixed(decimals)}${unit}`;
  return {
    cells: [
      what,
      show(ours),
      show(theirs),
      measured.toFixed(2),
      `${side} ${ratio}`,
      holds ? 'holds' : 'BROKEN',
      show(files),
    ],
    holds,
  };
});
const rows = [
  ['warm', 'Entrepot', 'docker-registry', 'ratio', 'bound', '', 'nginx sendfile'],
  ...compared.map(({ cells }) => cells),
];
printTable(rows);
process.exitCode = compared.every(({ holds }) => holds) ? 0 : 1;

if (values.write) {
  const version = (await run('docker-registry', ['--version'])).trim();
  const cores = values['all-cores']
    ? 'on one core for manifests and on all for blobs'
    : 'on one core, the load on another';
  const how = `Each server ${cores}; a blob of ${values['layer-mib']} MiB; medians of ${rounds} rounds in turn. \`npm run bench\``;
  writeSection('warm-pulls', `## Warm pulls\n\n${how}\n\n${markdownTable(rows)}\n\n${machine()}, ${version}`);
}
