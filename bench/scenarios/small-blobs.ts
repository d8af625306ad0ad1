/** Blobs of 4 and of 64 KiB: configurations, signatures, thin layers. */
import { imageOf } from '../image.ts';
import { rateOf } from '../load.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted, virtual } from '../peers/entrepot.ts';
import { nginx } from '../peers/nginx.ts';
import { zot } from '../peers/zot.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, withWarm } from '../scenario.ts';

const sizes = [
  { kib: 4, connections: 32 },
  { kib: 64, connections: 64 },
];

export const smallBlobs: Scenario = {
  name: 'small-blobs',
  title: 'Small blobs',
  lead: () => 'The same blob over and over, with a bearer token and a log line for each.',
  rows: () =>
    sizes.flatMap(({ kib, connections }) => [
      {
        quantity: `rate${kib}`,
        what: `${kib} KiB, ${connections} connections`,
        unit: '/s',
        decimals: 0,
        better: 'more' as const,
        ratios: { zot: 1.2 },
      },
      {
        quantity: `cpu${kib}`,
        what: 'processor time for each',
        unit: ' µs',
        decimals: 0,
        better: 'less' as const,
      },
    ]),
  async measure(stage) {
    const { rounds, warmUps, seconds, loadCore } = stage;
    const image = imageOf(
      sizes.map(({ kib }) => kib * 1024),
      2,
    );
    const peers = { hosting: [hosted, dockerRegistry, distribution, zot, nginx], pullingThrough: [virtual] };
    return await withWarm(stage, peers, image, async (contenders) => {
      return await inTurn({
        contenders,
        rounds,
        warmUps,
        async measure(contender) {
          const authorization = await contender.authorization();
          const values: Record<string, number> = {};
          for (const [index, { kib, connections }] of sizes.entries()) {
            const url = `${contender.base}/blobs/${image.layers[index]?.digest}`;
            const rate = await rateOf(contender, {
              url,
              authorization,
              connections,
              seconds,
              core: loadCore,
            });
            values[`rate${kib}`] = rate.perSecond;
            values[`cpu${kib}`] = rate.cpuMicroseconds;
          }
          return values;
        },
      });
    });
  },
};
