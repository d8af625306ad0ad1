/**
 * Whether a cache keeps to its limit while far more is pulled through it, and what that costs; exits 1 where a bound is broken.
 *
 *   node test/e2e/cache-bound-figures.ts [--content-mib 20480] [--cache-mib 2048] [--layer-mib 16] [--layers 4] [--clients 8] [--again 1] [--write]
 *
 * Every image is pulled once in turn, and after each `--again` earlier ones, the popular ones more often than the others. The content is
 * computed from a seed where it is asked for. `--write` puts the table into docs/performance.md.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { machine, markdownTable, writeSection } from '../../bench/performance-page.ts';
import { Entrepot } from './support/entrepot.ts';
import { type Figure, mebibytes, megabyte, printFigures, rowsOf, virtualUrl } from './support/figure.ts';
import { GeneratedImages } from './support/generated-images.ts';
import { pull } from './support/pulling.ts';

const { values } = parseArgs({
  options: {
    'content-mib': { type: 'string', default: '20480' },
    'cache-mib': { type: 'string', default: '2048' },
    'layer-mib': { type: 'string', default: '16' },
    layers: { type: 'string', default: '4' },
    clients: { type: 'string', default: '8' },
    again: { type: 'string', default: '1' },
    write: { type: 'boolean', default: false },
  },
});
const contentBytes = Number(values['content-mib']) * megabyte;
const cacheBytes = Number(values['cache-mib']) * megabyte;
const layerBytes = Number(values['layer-mib']) * megabyte;
const layersPerImage = Number(values.layers);
const clients = Number(values.clients);
const again = Number(values.again);
const images = Math.ceil(contentBytes / (layerBytes * layersPerImage));
const highPercent = 90;
const highBytes = (cacheBytes / 100) * highPercent;
/** One in so many blobs is read against its digest by the client, too. */
const verifiedOneIn = 8;
const sampleMs = 100;

const shape = { images, layersPerImage, layerBytes };
const directory = mkdtempSync(join(tmpdir(), 'entrepot-cache-bound-'));
const upstream = fork(join(import.meta.dirname, 'support/generated-upstream.ts'), [JSON.stringify(shape)]);
const [address]: { port: number }[] = await once(upstream, 'message');
const server = await Entrepot.start({
  directory,
  env: {
    ENTREPOT_CACHE__MAX_BYTES: String(cacheBytes),
    ENTREPOT_CACHE__HIGH_WATER_PERCENT: String(highPercent),
  },
});
const figures: Figure[] = [];
try {
  await server.setUpstreams(1, [{ url: `http://127.0.0.1:${address?.port}`, name: 'generated' }]);
  const sampling = new AbortController();
  const peaks = samplePeaks(sampling.signal);
  const startedAt = performance.now();
  const pulled = await pullAll();
  const seconds = (performance.now() - startedAt) / 1000;
  sampling.abort();
  const { stored, together } = await peaks;
  const cache = await server.rest('GET', '/groups/1/-/virtual_registries/cache');
  const runningBytes = clients * layerBytes;
  figures.push(
    {
      what: `most that was stored while ${mebibytes(pulled.bytes)} were pulled, ${mebibytes(images * layersPerImage * layerBytes)} of them different`,
      bound: `<= ${mebibytes(highBytes)} and ${clients} fills of ${mebibytes(layerBytes)}`,
      measured: mebibytes(stored),
      holds: stored <= highBytes + runningBytes && stored > highBytes / 2,
    },
    {
      what: 'most that was stored or being fetched',
      bound: `<= ${mebibytes(cacheBytes)} and these fills`,
      measured: mebibytes(together),
      holds: together <= cacheBytes + runningBytes,
    },
    {
      what: `pulls of manifests and blobs by ${clients} clients`,
      bound: 'none fails',
      measured: `${pulled.pulls} pulls, ${pulled.failures.length} failed, ${seconds.toFixed(0)} s (${(pulled.bytes / megabyte / seconds).toFixed(0)} MiB/s)`,
      holds: pulled.failures.length === 0,
    },
    {
      what: 'answered by the cache',
      bound: 'reported',
      measured: `${((100 * pulled.hits) / pulled.pulls).toFixed(1)} % of pulls (the API says ${hitRateOf(cache)})`,
      holds: pulled.hits > 0,
    },
  );
  for (const failure of pulled.failures.slice(0, 5)) console.error(failure);
} finally {
  await server.stop();
  upstream.disconnect();
  rmSync(directory, { recursive: true, force: true });
}
process.exitCode = printFigures(figures) ? 0 : 1;
if (values.write) {
  const how =
    'Clients, server and upstream share one machine; the content is computed. `npm run test:cache-bound`';
  writeSection(
    'cache-bound',
    `## A cache with a limit\n\n${how}\n\n${markdownTable(rowsOf(figures))}\n\n${machine()}`,
  );
}

async function pullAll() {
  const known = new GeneratedImages(shape);
  const failures: string[] = [];
  let next = 0;
  let pulls = 0;
  let hits = 0;
  let bytes = 0;
  let random = 1;
  /** From 0 to 1; the same each time. */
  const chance = () => {
    random = (random * 48_271) % 2_147_483_647;
    return random / 2_147_483_647;
  };
  const get = async (image: number, kind: 'manifests' | 'blobs', reference: string) => {
    pulls += 1;
    const hash = kind === 'blobs' && pulls % verifiedOneIn === 0;
    const url = virtualUrl(server, `generated/${image}`, kind, reference);
    const answer = await pull(url, { authorization: server.authorization, hash });
    bytes += answer.bytes;
    if (answer.status !== 200 || !answer.isComplete || (hash && answer.digest !== reference))
      failures.push(`${url}: ${answer.status}, ${answer.bytes} bytes, complete: ${answer.isComplete}`);
    if (
      /hit/.test(String(answer.headers['cache-status'])) &&
      !/fwd/.test(String(answer.headers['cache-status']))
    )
      hits += 1;
  };
  const pullImage = async (image: number) => {
    await get(image, 'manifests', 'v1');
    for (const { digest } of known.manifest(image).blobs) await get(image, 'blobs', digest);
  };
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (next < images) {
        const image = next;
        next += 1;
        await pullImage(image);
        for (let count = 0; count < again; count += 1) await pullImage(Math.floor(image * chance() ** 4));
      }
    }),
  );
  return { failures, pulls, hits, bytes };
}

/** The most bytes of blobs, and of them and what is being fetched, that were on the disk at once. */
async function samplePeaks(signal: AbortSignal) {
  let stored = 0;
  let together = 0;
  while (!signal.aborted) {
    let storedNow = 0;
    let spoolNow = 0;
    for (const path of listFiles(join(server.dataDirectory, 'blobs'))) {
      // What is gone since it was listed has no size.
      const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
      if (path.includes('/spool/')) spoolNow += size;
      else storedNow += size;
    }
    stored = Math.max(stored, storedNow);
    together = Math.max(together, storedNow + spoolNow);
    await sleep(sampleMs, undefined, { signal }).catch(() => undefined);
  }
  return { stored, together };
}

function listFiles(root: string): string[] {
  try {
    const files = readdirSync(root, { recursive: true, withFileTypes: true });
    return files.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
  } catch {
    // A folder is not there yet, or was removed while it was looked through.
    return [];
  }
}

function hitRateOf(cache: unknown): string {
  if (typeof cache !== 'object' || cache === null || !('hit_rate' in cache)) return 'nothing';
  return `${(100 * Number(cache.hit_rate)).toFixed(1)} %`;
}
