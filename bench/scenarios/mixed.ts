/** Small answers while large layers come in from the origin and from pushes: nobody should notice the others. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Entrepot } from '../../test/e2e/support/entrepot.ts';
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import { run } from '../../test/e2e/support/processes.ts';
import { seededBlob } from '../../test/support/fake-content.ts';
import { pinned, repository } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { drain, numberIn } from '../load.ts';
import { type Origin, startOrigin } from '../peers/origin.ts';
import type { Measured } from '../rounds.ts';
import type { Scenario, Stage } from '../scenario.ts';

const perSecond = 200;
const pulls = 4;
const uploads = 2;
const virtualPath = `virtual_registries/container/1/${repository}`;

export const mixed: Scenario = {
  name: 'mixed',
  title: 'Manifests beside transfers',
  lead: (stage) =>
    `${perSecond} manifests a second, whatever else goes on: ${pulls} cold pulls and ${uploads} pushes of ${mebibytes(bytesOf(stage))} at a time, all by one process.`,
  rows: () => [
    { quantity: 'p50', what: 'half of them within', unit: ' ms', decimals: 1, better: 'less' },
    { quantity: 'p99', what: '99 of 100 within', unit: ' ms', decimals: 1, better: 'less', bound: 20 },
    { quantity: 'alone', what: '99 of 100 without the transfers', unit: ' ms', decimals: 1, better: 'less' },
  ],
  async measure(stage) {
    const { directory, serverCore, loadCore } = stage;
    const origin = await startOrigin(join(directory, 'origin'), loadCore);
    const server = await Entrepot.start({
      directory: join(directory, 'server'),
      ...(serverCore !== undefined && { core: serverCore }),
    });
    try {
      await server.setUpstreams(1, [{ url: origin.url, name: 'origin' }]);
      await server.createProject(repository);
      return await measureRounds(server, origin, stage);
    } finally {
      await server.stop();
      await origin.stop();
    }
  },
};

async function measureRounds(server: Entrepot, origin: Origin, stage: Stage): Promise<Measured> {
  await give(origin, imageOf([1000], 8000), 'small');
  const values: { p50: number[]; p99: number[]; alone: number[] } = { p50: [], p99: [], alone: [] };
  for (let round = 0; round < stage.rounds; round += 1) {
    const alone = await steady(server, stage);
    values.alone.push(numberIn(alone, /"p99":([\d.]+)/));
    const transfers = await prepared(server, origin, stage, round);
    let isOver = false;
    const measured = steady(server, stage).finally(() => {
      isOver = true;
    });
    // Each goes on with the next once it is through, as long as manifests are asked for.
    const busy = transfers.map(async (transfer) => {
      while (!isOver) if (!(await transfer())) break;
    });
    const report = await measured;
    await Promise.all(busy);
    values.p50.push(numberIn(report, /"p50":([\d.]+)/));
    values.p99.push(numberIn(report, /"p99":([\d.]+)/));
  }
  return new Map([['Entrepot', values]]);
}

async function steady(server: Entrepot, { seconds, loadCore }: Stage): Promise<string> {
  const url = `http://${server.host}/v2/${virtualPath}/manifests/small`;
  const authorization = await server.bearer(virtualPath);
  const program = join(import.meta.dirname, '../steady.ts');
  const args = [program, url, authorization, String(perSecond), String(seconds * 2)];
  return await run(...pinned(loadCore, process.execPath, ...args));
}

/** Transfers of what is new in this round; each says whether there is a next one. */
async function prepared(
  server: Entrepot,
  origin: Origin,
  stage: Stage,
  round: number,
): Promise<readonly (() => Promise<boolean>)[]> {
  const bytes = bytesOf(stage);
  const images = Array.from({ length: pulls }, (_, index) => imageOf([bytes], 8100 + round * 10 + index));
  for (const [index, image] of images.entries()) await give(origin, image, `r${round}-${index}`);
  const pullers = images.map((image, index) => async () => {
    const authorization = await server.bearer(virtualPath);
    const base = `http://${server.host}/v2/${virtualPath}`;
    await drain(`${base}/manifests/r${round}-${index}`, authorization, 1, stage.loadCore);
    await drain(`${base}/blobs/${image.layers[0]?.digest}`, authorization, 1, stage.loadCore);
    return false;
  });
  const pushers = Array.from({ length: uploads }, (_, index) => async () => {
    const blob = seededBlob(bytes, 8900 + round * 10 + index);
    const file = join(stage.directory, `layer-${index}`);
    await pipeline(Readable.from(blob.read(0, blob.size)), createWriteStream(file));
    const authorization = await server.bearer(repository, 'pull,push');
    const base = `http://${server.host}/v2/${repository}`;
    const started = await fetch(`${base}/blobs/uploads/`, { method: 'POST', headers: { authorization } });
    const location = new URL(started.headers.get('location') ?? '', base);
    location.searchParams.set('digest', blob.digest);
    const header = ['-H', `Authorization: ${authorization}`, '-H', 'Expect:'];
    const put = ['curl', '-sSf', '-X', 'PUT', '-T', file, '-o', '/dev/null', ...header, location.href];
    await run(...pinned(stage.loadCore, ...put));
    return false;
  });
  return [...pullers, ...pushers];
}

function bytesOf({ scale }: Stage): number {
  return Math.max(16, Math.round(256 * scale)) * megabyte;
}
