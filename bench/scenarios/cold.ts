/** A large layer that nobody has yet, from an origin as fast as it goes, and from one with the rate of a network. */
import { join } from 'node:path';
import { mebibytes, megabyte } from '../../test/e2e/support/figure.ts';
import type { Contender } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { drain } from '../load.ts';
import { type Origin, startOrigin } from '../peers/origin.ts';
import { direct, pullThrough, withDirect } from '../peers/pull-through.ts';
import { cpuSeconds } from '../process-tree.ts';
import { inTurn, type Measured } from '../rounds.ts';
import { type Scenario, type Stage, withContenders } from '../scenario.ts';
import type { Row } from '../table.ts';

const networkRate = 50e6;
const everyPeer = { zot: 1, 'distribution 3': 1, 'docker-registry 2.8': 1 };

export const coldFast = coldFrom('cold', 'Cold pulls', undefined, { ...everyPeer });
export const coldSlow = coldFrom('cold-network', 'Cold pulls at 50 MB/s', networkRate, { [direct]: 1.02 });

function coldFrom(
  name: string,
  title: string,
  rate: number | undefined,
  wall: Readonly<Record<string, number>>,
): Scenario {
  return {
    name,
    title,
    lead: (stage) => `Manifest and layer of ${mebibytes(bytesOf(stage))}, new in each round, by one client.`,
    rows: () => rowsOf(wall),
    async measure(stage) {
      const origin = await startOrigin(join(stage.directory, 'origin'), stage.loadCore, rate);
      try {
        return await measureFrom(origin, stage);
      } finally {
        await origin.stop();
      }
    },
  };
}

function rowsOf(wall: Readonly<Record<string, number>>): readonly Row[] {
  const ms = { unit: ' ms', decimals: 0, better: 'less' } as const;
  return [
    { quantity: 'ms', what: 'until the last byte', ...ms, ratios: wall },
    { quantity: 'firstByteMs', what: 'until the first byte of the layer', ...ms, decimals: 1 },
    {
      quantity: 'cpu',
      what: 'processor time for a GiB',
      unit: ' s',
      decimals: 1,
      better: 'less',
      ratios: everyPeer,
    },
  ];
}

async function measureFrom(origin: Origin, stage: Stage): Promise<Measured> {
  return await withContenders(stage, pullThrough, origin.url, async (contenders) => {
    const layers = new Map<number, string>();
    const layerOf = async (round: number): Promise<string> => {
      const known = layers.get(round);
      if (known !== undefined) return known;
      const image = imageOf([bytesOf(stage)], 4000 + round);
      await give(origin, image, `r${round}`);
      const digest = image.layers[0]?.digest ?? '';
      layers.set(round, digest);
      return digest;
    };
    return await inTurn({
      contenders: withDirect(contenders, origin),
      rounds: stage.rounds,
      warmUps: 1,
      async measure(contender, round) {
        const digest = await layerOf(round);
        return await pullCold(contender, `r${round}`, digest, stage.loadCore);
      },
    });
  });
}

async function pullCold(contender: Contender, tag: string, digest: string, core: number | undefined) {
  const authorization = await contender.authorization();
  const before = cpuSeconds(contender.pid);
  const manifest = await drain(`${contender.base}/manifests/${tag}`, authorization, 1, core);
  const layer = await drain(`${contender.base}/blobs/${digest}`, authorization, 1, core);
  const spent = cpuSeconds(contender.pid) - before;
  return {
    ms: 1000 * (manifest.seconds + layer.seconds),
    firstByteMs: layer.firstByteMs,
    cpu: contender.pid === undefined ? Number.NaN : spent / (layer.bytes / 1024 ** 3),
  };
}

function bytesOf({ scale }: Stage): number {
  return Math.max(16, Math.round(256 * scale)) * megabyte;
}
