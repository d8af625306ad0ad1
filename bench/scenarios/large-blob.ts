/** One large layer, to one client and to sixteen. */
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import { imageOf } from '../image.ts';
import { drain } from '../load.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted, virtual } from '../peers/entrepot.ts';
import { nginx } from '../peers/nginx.ts';
import { zot } from '../peers/zot.ts';
import { cpuSeconds } from '../process-tree.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withWarm } from '../scenario.ts';

const clients = [1, 16];
const everyPeer = (ratio: number) => ({ zot: ratio, 'distribution 3': ratio, 'docker-registry 2.8': ratio });

export const largeBlob: Scenario = {
  name: 'large-blob',
  title: 'A large blob',
  lead: (stage) => `A layer of ${mebibytes(bytesOf(stage))}, thrown away by curl.`,
  rows: () =>
    clients.flatMap((count) => [
      {
        quantity: `rate${count}`,
        what: count === 1 ? '1 client' : `${count} clients at once`,
        unit: ' GB/s',
        decimals: 2,
        better: 'more' as const,
        ratios: { ...everyPeer(1.3), 'nginx sendfile': 0.9 },
      },
      {
        quantity: `cpu${count}`,
        what: 'processor time for a GiB',
        unit: ' s',
        decimals: 2,
        better: 'less' as const,
        ratios: everyPeer(0.6),
      },
    ]),
  async measure(stage) {
    const { rounds, warmUps, loadCore } = stage;
    const image = imageOf([bytesOf(stage)], 3);
    const peers = { hosting: [hosted, dockerRegistry, distribution, zot, nginx], pullingThrough: [virtual] };
    return await withWarm(stage, peers, image, async (contenders) => {
      return await inTurn({
        contenders,
        rounds,
        warmUps: Math.min(warmUps, 3),
        async measure(contender) {
          const authorization = await contender.authorization();
          // A virtual registry has a blob by the manifest that names it.
          await drain(`${contender.base}/manifests/latest`, authorization, 1, loadCore);
          const url = `${contender.base}/blobs/${image.layers[0]?.digest}`;
          const values: Record<string, number> = {};
          for (const count of clients) {
            const before = cpuSeconds(contender.pid);
            const { bytes, seconds } = await drain(url, authorization, count, loadCore);
            values[`rate${count}`] = bytes / seconds / 1e9;
            values[`cpu${count}`] = (cpuSeconds(contender.pid) - before) / (bytes / 1024 ** 3);
          }
          return values;
        },
      });
    });
  },
};

function bytesOf({ scale }: Stage): number {
  return Math.max(16, Math.round(1024 * scale)) * megabyte;
}
