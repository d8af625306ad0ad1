/** Warm pulls of a manifest and of a large blob, round by round in turn. */
import { join } from 'node:path';
import { DockerRegistry } from '../test/e2e/support/docker-registry.ts';
import { megabyte } from '../test/e2e/support/figure.ts';
import { missing } from '../test/e2e/support/processes.ts';
import { type Bound, type Compared, compare, newSeries, type Series } from './comparison.ts';
import { type Contender, startEntrepot, startPeer, warm } from './contender.ts';
import { startFileServer } from './file-server.ts';
import { answersPerSecond, serverCore, transfer } from './load.ts';
import { pushImage } from './warm-content.ts';

export interface WarmPullOptions {
  readonly directory: string;
  readonly rounds: number;
  /** Of asking for the same manifest. */
  readonly seconds: number;
  readonly layerMib: number;
  /** Whether each server keeps to one core for blobs, as it does for manifests. */
  readonly pinned: boolean;
}

type Quantity = 'manifestsPerSecond' | 'gigabytesPerSecond' | 'cpuSecondsPerGib';

const bounds: readonly Bound<Quantity>[] = [
  {
    quantity: 'manifestsPerSecond',
    what: 'manifest by tag, bearer token',
    unit: '/s',
    decimals: 0,
    side: 'at least',
    ratio: 15,
  },
  {
    quantity: 'gigabytesPerSecond',
    what: 'blob',
    unit: ' GB/s',
    decimals: 2,
    side: 'at least',
    ratio: 1.3,
  },
  {
    quantity: 'cpuSecondsPerGib',
    what: 'processor time per GiB',
    unit: ' s',
    decimals: 2,
    side: 'at most',
    ratio: 0.5,
  },
];

export async function measureWarmPulls(options: WarmPullOptions): Promise<Compared> {
  const { directory, rounds, seconds, layerMib, pinned } = options;
  const storage = join(directory, 'storage');
  const [ours, theirs] = [newSeries(bounds), newSeries(bounds)];
  /** Of a server for files alone, where there is one: how far a blob can be taken. */
  const files = newSeries(bounds);
  const hasFileServer = (await missing('nginx')).length === 0;
  const origin = await DockerRegistry.start({ directory: join(directory, 'origin'), storage });
  try {
    const image = await pushImage(origin.url, layerMib * megabyte);
    const blob = image.layers.at(-1)?.digest ?? '';

    /** Warms both and measures one after the other, who is first changing with every round. */
    const duel = async (
      name: string,
      core: number | undefined,
      measure: (contender: Contender, series: Series<Quantity>) => Promise<void>,
    ): Promise<void> => {
      const turns: { readonly contender: Contender; readonly series: Series<Quantity> }[] = [
        { contender: await startEntrepot(join(directory, name, 'entrepot'), origin.url, core), series: ours },
        { contender: await startPeer(join(directory, name, 'peer'), storage, core), series: theirs },
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
    };

    await duel('manifests', serverCore, async (contender, series) => {
      const authorization = await contender.bearer();
      series.manifestsPerSecond.push(await answersPerSecond(contender.manifestUrl, authorization, seconds));
    });
    await duel('blobs', pinned ? serverCore : undefined, async (contender, series) => {
      const url = contender.blobUrl(blob);
      const authorization = await contender.bearer();
      const done = await transfer({ url, authorization, pid: contender.pid, pinned });
      series.gigabytesPerSecond.push(done.bytesPerSecond / 1e9);
      series.cpuSecondsPerGib.push(done.cpuSecondsPerGib);
    });
  } finally {
    await origin.stop();
  }
  return compare('warm', bounds, ours, theirs, { name: 'nginx sendfile', series: files });
}
