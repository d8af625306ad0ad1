/** Many clients at once for the same layer that nobody has yet. */
import { join } from 'node:path';
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import type { Contender } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { drain } from '../load.ts';
import { type Origin, startOrigin } from '../peers/origin.ts';
import { pullThrough } from '../peers/pull-through.ts';
import { forgetPeak, peakBytes } from '../process-tree.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withContenders } from '../scenario.ts';

const crowds = [32, 128];
const everyPeer = { zot: 0.8, 'distribution 3': 0.8, 'docker-registry 2.8': 0.8 };

export const stampede: Scenario = {
  name: 'stampede',
  title: 'Stampedes',
  lead: (stage) =>
    `All ask for the manifest, then for the layer of ${mebibytes(bytesOf(stage))}; both are new in each round.`,
  rows: () =>
    crowds.flatMap((clients) => {
      const less = { better: 'less' } as const;
      return [
        {
          quantity: `ms${clients}`,
          what: `${clients} clients, until the last has its last byte`,
          unit: ' ms',
          decimals: 0,
          ...less,
          ratios: everyPeer,
        },
        {
          quantity: `gets${clients}`,
          what: 'GETs of the layer at the origin',
          unit: '',
          decimals: 0,
          ...less,
          bound: 1,
        },
        {
          quantity: `peak${clients}`,
          what: 'most memory',
          unit: ' MiB',
          decimals: 0,
          ...less,
          bound: 200,
        },
      ];
    }),
  async measure(stage) {
    const origin = await startOrigin(join(stage.directory, 'origin'), stage.loadCore);
    try {
      return await withContenders(stage, pullThrough, origin.url, async (contenders) => {
        const { rounds } = stage;
        return await inTurn({
          contenders,
          rounds,
          warmUps: 1,
          async measure(contender, round) {
            const values: Record<string, number> = {};
            for (const clients of crowds) {
              const crowd = await measureCrowd(contender, origin, clients, round, stage);
              for (const [quantity, value] of Object.entries(crowd)) values[`${quantity}${clients}`] = value;
            }
            return values;
          },
        });
      });
    } finally {
      await origin.stop();
    }
  },
};

/** Of an image that only this contender is asked for: what the origin sees is its doing. */
async function measureCrowd(
  contender: Contender,
  origin: Origin,
  clients: number,
  round: number,
  stage: Stage,
): Promise<Record<string, number>> {
  const tag = `${contender.name.toLowerCase().replaceAll(/\W+/g, '-')}-${clients}-${round < 0 ? 'warm' : round}`;
  const seed = [...tag].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 1_000_003, 7);
  const image = imageOf([bytesOf(stage)], seed);
  await give(origin, image, tag);
  const digest = image.layers[0]?.digest ?? '';
  const authorization = await contender.authorization();
  forgetPeak(contender.pid);
  const manifest = await drain(`${contender.base}/manifests/${tag}`, authorization, clients, stage.loadCore);
  const layer = await drain(`${contender.base}/blobs/${digest}`, authorization, clients, stage.loadCore);
  return {
    ms: 1000 * (manifest.seconds + layer.seconds),
    gets: origin.gets(digest),
    peak: peakBytes(contender.pid) / megabyte,
  };
}

function bytesOf({ scale }: Stage): number {
  return Math.max(8, Math.round(64 * scale)) * megabyte;
}
