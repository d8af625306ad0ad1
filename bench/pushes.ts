/** Pushes of one large blob and of many small ones, to empty servers, round by round in turn. */
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { megabyte } from '../test/e2e/support/figure.ts';
import { run } from '../test/e2e/support/processes.ts';
import { type FakeBlob, seededBlob } from '../test/support/fake-content.ts';
import { type Bound, type Compared, compare, newSeries } from './comparison.ts';
import { type PushContender, startEntrepot, startPeer } from './contender.ts';
import { cpuSeconds, loadCore, numberIn, serverCore } from './load.ts';

export interface PushOptions {
  readonly directory: string;
  readonly rounds: number;
  readonly layerMib: number;
  /** Whether server and load keep to a core each for the large blob, as they do for small ones. */
  readonly pinned: boolean;
}

type Quantity = 'largeMegabytesPerSecond' | 'largeCpuSeconds' | 'smallPerSecond' | 'smallCpuMs';

const smallBlobs = 200;
const smallBytes = 64 * 1024;
const clients = 8;

const bounds: readonly Bound<Quantity>[] = [
  {
    quantity: 'largeMegabytesPerSecond',
    what: 'one large blob, from POST to 201',
    unit: ' MB/s',
    decimals: 0,
    side: 'at least',
    ratio: 1,
  },
  {
    quantity: 'largeCpuSeconds',
    what: 'processor time for it',
    unit: ' s',
    decimals: 2,
    side: 'at most',
    ratio: 1,
  },
  {
    quantity: 'smallPerSecond',
    what: `${smallBlobs} blobs of 64 KiB by ${clients} clients`,
    unit: '/s',
    decimals: 0,
    side: 'at least',
    ratio: 1,
  },
  {
    quantity: 'smallCpuMs',
    what: 'processor time for each of them',
    unit: ' ms',
    decimals: 2,
    side: 'at most',
    ratio: 1,
  },
];

export async function measurePushes(options: PushOptions): Promise<Compared> {
  const { directory, rounds, layerMib, pinned } = options;
  const [ours, theirs] = [newSeries(bounds), newSeries(bounds)];
  const core = pinned ? serverCore : undefined;
  const turns = [
    { contender: await startEntrepot(join(directory, 'pushes/entrepot'), undefined, core), series: ours },
    {
      contender: await startPeer(join(directory, 'pushes/peer'), join(directory, 'pushes/storage'), core),
      series: theirs,
    },
  ];
  try {
    for (let round = 0; round < rounds; round += 1) {
      const file = join(directory, 'pushes/layer');
      // Other bytes each time: what a server has already it need not store.
      const blob = seededBlob(layerMib * megabyte, 5000 + round);
      await pipeline(Readable.from(blob.read(0, blob.size)), createWriteStream(file));
      for (const { contender, series } of turns) {
        const large = await measured(contender, () => pushLarge(contender, blob, file, pinned));
        series.largeMegabytesPerSecond.push(blob.size / 1e6 / large.seconds);
        series.largeCpuSeconds.push(large.cpuSeconds);
        const small = await measured(contender, () => pushSmall(contender, round));
        series.smallPerSecond.push(smallBlobs / small.seconds);
        series.smallCpuMs.push((small.cpuSeconds * 1000) / smallBlobs);
      }
      turns.reverse();
    }
  } finally {
    for (const { contender } of turns) await contender.stop();
  }
  return compare('pushes', bounds, ours, theirs);
}

/** @param push gives the seconds that it took itself */
async function measured(
  contender: PushContender,
  push: () => Promise<number>,
): Promise<{ seconds: number; cpuSeconds: number }> {
  const before = cpuSeconds(contender.pid);
  const seconds = await push();
  return { seconds, cpuSeconds: cpuSeconds(contender.pid) - before };
}

/** POST, one PATCH by curl, PUT: as skopeo and podman push. */
async function pushLarge(
  contender: PushContender,
  blob: FakeBlob,
  file: string,
  pinned: boolean,
): Promise<number> {
  const authorization = await contender.pushBearer();
  const startedAt = performance.now();
  const post = await fetch(`${contender.pushUrl}/blobs/uploads/`, {
    method: 'POST',
    headers: { authorization },
  });
  const location = locationOf(post, 202, contender);
  const patch = ['curl', '-sS', '-X', 'PATCH', '-T', file, '-o', '/dev/null', '-D', '-', '-H', 'Expect:'];
  const headers = [`Authorization: ${authorization}`, 'Content-Type: application/octet-stream'];
  const [program = '', ...args] = [
    ...(pinned ? ['taskset', '-c', loadCore] : []),
    ...patch,
    ...headers.flatMap((header) => ['-H', header]),
    location.href,
  ];
  const head = await run(program, args);
  if (!head.startsWith('HTTP/1.1 202')) throw new Error(`${contender.name}: ${head}`);
  const next = new URL(/^location: *(\S+)/im.exec(head)?.[1] ?? '', contender.pushUrl);
  next.searchParams.set('digest', blob.digest);
  const put = await fetch(next, { method: 'PUT', headers: { authorization } });
  locationOf(put, 201, contender);
  return (performance.now() - startedAt) / 1000;
}

/** In a process of its own, so that it can be kept to the load's core. */
async function pushSmall(contender: PushContender, round: number): Promise<number> {
  const pusher = join(import.meta.dirname, 'push-small.ts');
  const args = [contender.pushUrl, await contender.pushBearer(), String(round), String(smallBlobs)];
  const command = [process.execPath, pusher, ...args, String(smallBytes), String(clients)];
  return numberIn(await run('taskset', ['-c', loadCore, ...command]), /"seconds":([\d.]+)/);
}

function locationOf(response: Response, status: number, contender: PushContender): URL {
  if (response.status !== status) throw new Error(`${contender.name}: ${response.status} ${response.url}`);
  return new URL(response.headers.get('location') ?? '', contender.pushUrl);
}
