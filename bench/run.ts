/**
 * Warm pulls, beside Debian's docker-registry in the same run: the servers on core 0, the load on core 1, round by round in turn.
 * Exits 1 where a bound is broken.
 *
 *   npm run bench -- [--rounds 5] [--seconds 5] [--layer-mib 1024] [--write]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DockerRegistry } from '../test/e2e/support/docker-registry.ts';
import { Entrepot } from '../test/e2e/support/entrepot.ts';
import { median, megabyte, printTable, virtualUrl } from '../test/e2e/support/figure.ts';
import { missing, run } from '../test/e2e/support/processes.ts';
import { pull } from '../test/e2e/support/pulling.ts';
import { answersPerSecond, transfer } from './load.ts';
import { machine, markdownTable, writeSection } from './performance-page.ts';
import { pushImage, repository, tag } from './warm-content.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'layer-mib': { type: 'string', default: '1024' },
    write: { type: 'boolean', default: false },
  },
});
const bounds = { manifestRatio: 15, throughputRatio: 1.3, cpuRatio: 0.5 };
const serverCore = 0;

interface Contender {
  readonly name: string;
  readonly pid: number;
  readonly manifestUrl: string;
  readonly blobUrl: string;
  bearer(): Promise<string>;
  readonly manifests: number[];
  readonly throughputs: number[];
  readonly cpuSeconds: number[];
}

const absent = await missing('docker-registry', 'taskset', 'openssl');
if (absent.length > 0) throw new Error(`not installed: ${absent.join(', ')}`);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
const stops: (() => Promise<void>)[] = [];
try {
  const storage = join(directory, 'storage');
  const origin = await DockerRegistry.start({ directory: join(directory, 'origin'), storage });
  stops.push(() => origin.stop());
  const image = await pushImage(origin.url, Number(values['layer-mib']) * megabyte);
  const digest = image.layers.at(-1)?.digest ?? '';

  const entrepot = await Entrepot.start({ directory: join(directory, 'entrepot'), core: serverCore });
  stops.push(() => entrepot.stop());
  await entrepot.setUpstreams(1, [{ url: origin.url, name: 'origin' }]);
  const peer = await DockerRegistry.start({
    directory: join(directory, 'peer'),
    storage,
    auth: 'token',
    core: serverCore,
  });
  stops.push(() => peer.stop());

  const start = { manifests: [], throughputs: [], cpuSeconds: [] };
  const ours: Contender = {
    name: 'Entrepot',
    pid: entrepot.program.pid,
    manifestUrl: virtualUrl(entrepot, repository, 'manifests', tag),
    blobUrl: virtualUrl(entrepot, repository, 'blobs', digest),
    bearer: () => entrepot.bearer(`virtual_registries/container/1/${repository}`),
    ...structuredClone(start),
  };
  const theirs: Contender = {
    name: 'docker-registry',
    pid: peer.program.pid,
    manifestUrl: `${peer.url}/v2/${repository}/manifests/${tag}`,
    blobUrl: `${peer.url}/v2/${repository}/blobs/${digest}`,
    bearer: () => peer.bearer(repository),
    ...structuredClone(start),
  };
  for (const contender of [ours, theirs]) await warm(contender, image.digest, digest);
  await origin.stop();

  for (let round = 0; round < Number(values.rounds); round += 1) {
    for (const contender of round % 2 === 0 ? [ours, theirs] : [theirs, ours]) await measure(contender);
  }
  process.exitCode = (await report(ours, theirs)) ? 0 : 1;
} finally {
  for (const stop of stops.reverse()) await stop();
  rmSync(directory, { recursive: true, force: true });
}

/** @throws Error where a digest is not what it should be */
async function warm(
  { name, manifestUrl, blobUrl, bearer }: Contender,
  manifest: string,
  blob: string,
): Promise<void> {
  const authorization = await bearer();
  const headers = { accept: 'application/vnd.oci.image.manifest.v1+json' };
  const answers = [
    await pull(manifestUrl, { authorization, headers }),
    await pull(blobUrl, { authorization }),
  ];
  const [got, expected] = [answers.map(({ digest }) => digest).join(), [manifest, blob].join()];
  if (got !== expected)
    throw new Error(`${name} serves ${got} (${answers.map(({ status }) => status)}), not ${expected}`);
}

async function measure(contender: Contender): Promise<void> {
  const authorization = await contender.bearer();
  contender.manifests.push(
    await answersPerSecond(contender.manifestUrl, authorization, Number(values.seconds)),
  );
  const { bytesPerSecond, cpuSecondsPerGib } = await transfer(
    contender.blobUrl,
    authorization,
    contender.pid,
  );
  contender.throughputs.push(bytesPerSecond);
  contender.cpuSeconds.push(cpuSecondsPerGib);
}

async function report(ours: Contender, theirs: Contender): Promise<boolean> {
  const figures = [
    row(
      'warm manifest by tag, bearer token',
      '/s',
      0,
      ours.manifests,
      theirs.manifests,
      bounds.manifestRatio,
      'at least',
    ),
    row(
      'warm blob',
      ' GB/s',
      2,
      ours.throughputs.map(giga),
      theirs.throughputs.map(giga),
      bounds.throughputRatio,
      'at least',
    ),
    row('processor time per GiB', ' s', 2, ours.cpuSeconds, theirs.cpuSeconds, bounds.cpuRatio, 'at most'),
  ];
  const rows = [['', ours.name, theirs.name, 'ratio', 'bound'], ...figures.map(({ cells }) => cells)];
  printTable(rows);
  if (values.write) {
    const version = (await run('docker-registry', ['--version'])).trim();
    const how = `One server at a time on one core, the load on the other; medians of ${values.rounds} rounds in turn, ${values['layer-mib']} MiB blob.`;
    writeSection(
      'warm-pulls',
      `## Warm pulls\n\n${how} \`npm run bench\`\n\n${markdownTable(rows)}\n\n${machine()}, ${version}`,
    );
  }
  return figures.every(({ holds }) => holds);
}

function row(
  what: string,
  unit: string,
  decimals: number,
  ours: readonly number[],
  theirs: readonly number[],
  bound: number,
  side: 'at least' | 'at most',
) {
  const ratio = median(ours) / median(theirs);
  const show = (all: readonly number[]) => `${median(all).toFixed(decimals)}${unit}`;
  const holds = side === 'at least' ? ratio >= bound : ratio <= bound;
  return {
    cells: [what, show(ours), show(theirs), ratio.toFixed(2), `${side} ${bound}${holds ? '' : ' BROKEN'}`],
    holds,
  };
}

function giga(bytesPerSecond: number): number {
  return bytesPerSecond / 1e9;
}
