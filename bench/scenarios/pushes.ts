/** Pushes of one large blob and of many small ones, new in each round. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import { run } from '../../test/e2e/support/processes.ts';
import { type FakeBlob, seededBlob } from '../../test/support/fake-content.ts';
import { type Contender, pinned } from '../contender.ts';
import { numberIn } from '../load.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted } from '../peers/entrepot.ts';
import { zot } from '../peers/zot.ts';
import { cpuSeconds } from '../process-tree.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withContenders } from '../scenario.ts';

const smallBlobs = 200;
const smallKib = 64;
const clients = 8;

export const pushes: Scenario = {
  name: 'pushes',
  title: 'Pushes',
  lead: (stage) =>
    `A blob of ${mebibytes(bytesOf(stage))} in one PATCH by curl; ${smallBlobs} blobs of ${smallKib} KiB by ${clients} clients. All are on disk once they are acknowledged.`,
  rows: () => {
    const durable = { zot: 1.2, 'distribution 3': 1.2, 'docker-registry 2.8': 1.2 };
    return [
      {
        quantity: 'large',
        what: 'the large blob, from POST to 201',
        unit: ' MB/s',
        decimals: 0,
        better: 'more',
        ratios: durable,
      },
      { quantity: 'largeCpu', what: 'processor time for a GiB', unit: ' s', decimals: 2, better: 'less' },
      {
        quantity: 'small',
        what: 'small blobs',
        unit: '/s',
        decimals: 0,
        better: 'more',
        ratios: { ...durable, zot: 1 },
      },
      { quantity: 'smallCpu', what: 'processor time for each', unit: ' ms', decimals: 2, better: 'less' },
    ];
  },
  async measure(stage) {
    const file = join(stage.directory, 'layer');
    const blobs = new Map<number, FakeBlob>();
    const largeOf = async (round: number): Promise<FakeBlob> => {
      const known = blobs.get(round);
      if (known) return known;
      // Other bytes each time: what a server has already it need not store.
      const blob = seededBlob(bytesOf(stage), 5000 + round);
      await pipeline(Readable.from(blob.read(0, blob.size)), createWriteStream(file));
      blobs.set(round, blob);
      return blob;
    };
    return await withContenders(stage, [hosted, dockerRegistry, distribution, zot], '', (contenders) =>
      inTurn({
        contenders,
        rounds: stage.rounds,
        warmUps: 1,
        async measure(contender, round) {
          const blob = await largeOf(round);
          const large = await spent(contender, () => pushLarge(contender, blob, file, stage.loadCore));
          const small = await spent(contender, () => pushSmall(contender, round, stage.loadCore));
          return {
            large: blob.size / 1e6 / large.seconds,
            largeCpu: large.cpuSeconds / (blob.size / 1024 ** 3),
            small: smallBlobs / small.seconds,
            smallCpu: (small.cpuSeconds * 1000) / smallBlobs,
          };
        },
      }),
    );
  },
};

function bytesOf({ scale }: Stage): number {
  return Math.max(16, Math.round(512 * scale)) * megabyte;
}

/** @param push gives the seconds that it took itself */
async function spent(
  { pid }: Contender,
  push: () => Promise<number>,
): Promise<{ readonly seconds: number; readonly cpuSeconds: number }> {
  const before = cpuSeconds(pid);
  const seconds = await push();
  return { seconds, cpuSeconds: cpuSeconds(pid) - before };
}

/** POST, one PATCH by curl, PUT: as skopeo and podman push. */
async function pushLarge(
  contender: Contender,
  blob: FakeBlob,
  file: string,
  core: number | undefined,
): Promise<number> {
  const authorization = (await contender.authorization('pull,push')) ?? '';
  const startedAt = performance.now();
  const post = await fetch(`${contender.base}/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization },
  });
  const location = locationOf(post, 202, contender);
  const patch = ['curl', '-sS', '-X', 'PATCH', '-T', file, '-o', '/dev/null', '-D', '-', '-H', 'Expect:'];
  const headers = [`Authorization: ${authorization}`, 'Content-Type: application/octet-stream'];
  const command = [...patch, ...headers.flatMap((header) => ['-H', header]), location.href];
  const head = await run(...pinned(core, ...command));
  const next = new URL(/^location: (\S+)/im.exec(head)?.[1] ?? location.href, contender.base);
  next.searchParams.set('digest', blob.digest);
  locationOf(await fetch(next, { method: 'PUT', headers: { authorization } }), 201, contender);
  return (performance.now() - startedAt) / 1000;
}

/** In a process of its own, so that it can be kept to the load's core. */
async function pushSmall(contender: Contender, round: number, core: number | undefined): Promise<number> {
  const pusher = join(import.meta.dirname, '../push-small.ts');
  const authorization = (await contender.authorization('pull,push')) ?? '';
  const counts = [100 + round, smallBlobs, smallKib * 1024, clients].map(String);
  const command = [process.execPath, pusher, contender.base, authorization, ...counts];
  return numberIn(await run(...pinned(core, ...command)), /"seconds":([\d.]+)/);
}

function locationOf(response: Response, status: number, contender: Contender): URL {
  if (response.status !== status) throw new Error(`${contender.name}: ${response.status} ${response.url}`);
  return new URL(response.headers.get('location') ?? '', contender.base);
}
