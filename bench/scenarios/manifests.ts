/** The same manifest by its tag, which every pull asks for first. */
import type { Contender } from '../contender.ts';
import { imageOf } from '../image.ts';
import { rateOf } from '../load.ts';
import { plainHttp, plainKoa } from '../peers/ceilings.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted, virtual } from '../peers/entrepot.ts';
import { zot } from '../peers/zot.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, type Stage, withWarm } from '../scenario.ts';

const rates = [
  { quantity: 'connections32', connections: 32, method: 'GET' },
  { quantity: 'connections1', connections: 1, method: 'GET' },
  { quantity: 'connections256', connections: 256, method: 'GET' },
  { quantity: 'head', connections: 32, method: 'HEAD' },
] as const;
const perSecond = { unit: '/s', decimals: 0, better: 'more' } as const;

export const manifests: Scenario = {
  name: 'manifests',
  title: 'Manifests by tag',
  lead: () => 'With a bearer token and a log line for each; from memory by plain koa and plain node:http.',
  rows: () => [
    {
      quantity: 'connections32',
      what: '32 connections',
      ...perSecond,
      ratios: { zot: 1.3, 'distribution 3': 4, 'docker-registry 2.8': 12, 'plain koa': 0.5 },
    },
    { quantity: 'cpu', what: 'processor time for each', unit: ' µs', decimals: 0, better: 'less' },
    { quantity: 'connections1', what: '1 connection', ...perSecond },
    { quantity: 'connections256', what: '256 connections', ...perSecond },
    { quantity: 'head', what: 'HEAD, 32 connections', ...perSecond },
  ],
  async measure(stage) {
    const image = imageOf([1000, 2000, 3000], 1);
    const peers = {
      hosting: [hosted, dockerRegistry, distribution, zot, plainKoa, plainHttp],
      pullingThrough: [virtual],
    };
    return await withWarm(stage, peers, image, async (contenders) => {
      const { rounds, warmUps } = stage;
      return await inTurn({ contenders, rounds, warmUps, measure: (each) => measured(each, stage) });
    });
  },
};

async function measured(contender: Contender, { seconds, loadCore }: Stage): Promise<Record<string, number>> {
  const authorization = await contender.authorization();
  const url = `${contender.base}/manifests/latest`;
  const values: Record<string, number> = {};
  for (const { quantity, connections, method } of rates) {
    const rate = await rateOf(contender, {
      url,
      authorization,
      connections,
      seconds,
      method,
      core: loadCore,
    });
    values[quantity] = rate.perSecond;
    values['cpu'] ??= rate.cpuMicroseconds;
  }
  return values;
}
