/** One worker and two, on all cores of the machine: what the second core adds. The load takes its share of the cores, as it has to be somewhere. */
import { availableParallelism } from 'node:os';
import { imageOf } from '../image.ts';
import { rateOf } from '../load.ts';
import { hostedByWorkers } from '../peers/entrepot.ts';
import { inTurn } from '../rounds.ts';
import { type Scenario, withWarm } from '../scenario.ts';

const one = hostedByWorkers('one worker', 1);
const two = hostedByWorkers('Entrepot, two workers', 2);
const perSecond = { unit: '/s', decimals: 0, better: 'more' } as const;

export const cluster: Scenario = {
  name: 'cluster',
  title: 'Workers',
  lead: () =>
    `The same manifest by its tag, with a bearer token and a log line for each, from one worker and from two on ${availableParallelism()} cores, which the load has a part of. What two workers can do where the load is elsewhere follows from the processor time for each answer.`,
  rows: () => [
    { quantity: 'rate', what: '64 connections', ...perSecond, ratios: { 'one worker': 1.8 } },
    {
      quantity: 'cpu',
      what: 'processor time for each',
      unit: ' µs',
      decimals: 0,
      better: 'less',
      ratios: { 'one worker': 1.1 },
    },
    { quantity: 'head', what: 'HEAD', ...perSecond },
  ],
  async measure(stage) {
    const { rounds, warmUps, seconds } = stage;
    const peers = { hosting: [one, two], pullingThrough: [] };
    const spread = { ...stage, serverCore: undefined, loadCore: undefined };
    return await withWarm(spread, peers, imageOf([1000, 2000, 3000], 1), async (contenders) => {
      return await inTurn({
        contenders,
        rounds,
        warmUps,
        async measure(contender) {
          const authorization = await contender.authorization();
          const url = `${contender.base}/manifests/latest`;
          const asked = { url, authorization, connections: 64, seconds, core: undefined };
          const got = await rateOf(contender, asked);
          const head = await rateOf(contender, { ...asked, method: 'HEAD' });
          return { rate: got.perSecond, cpu: got.cpuMicroseconds, head: head.perSecond };
        },
      });
    });
  },
};
