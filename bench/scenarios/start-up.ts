/** From the start of the process to its first answer, and what it keeps in memory. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { megabyte } from '../../test/e2e/support/figure.ts';
import type { Peer } from '../contender.ts';
import { give, imageOf } from '../image.ts';
import { rateOf } from '../load.ts';
import { distribution, dockerRegistry } from '../peers/distribution.ts';
import { hosted } from '../peers/entrepot.ts';
import { zot } from '../peers/zot.ts';
import { cpuSeconds, residentBytes } from '../process-tree.ts';
import { addTo } from '../rounds.ts';
import { type Scenario, type Stage, withContenders } from '../scenario.ts';

const requests = 100_000;
const settleMs = 5000;

export const startUp: Scenario = {
  name: 'start-up',
  title: 'Starting, and memory',
  lead: () => 'Started on an empty directory, with its first project where it has such.',
  rows: () => {
    const less = { decimals: 0, better: 'less' } as const;
    return [
      { quantity: 'ms', what: 'to the first answer', unit: ' ms', ...less },
      { quantity: 'cpu', what: 'processor time until then', unit: ' s', ...less, decimals: 2, bound: 0.45 },
      { quantity: 'idle', what: 'resident, idle', unit: ' MiB', ...less, bound: 110 },
      { quantity: 'after', what: `resident after ${requests} manifests`, unit: ' MiB', ...less, bound: 160 },
    ];
  },
  async measure(stage) {
    const measured = new Map<string, Record<string, number[]>>();
    for (let round = 0; round < stage.rounds; round += 1) {
      for (const peer of [hosted, dockerRegistry, distribution, zot]) {
        const values = await measureStart(peer, {
          ...stage,
          directory: join(stage.directory, String(round)),
        });
        if (values) addTo(measured, peer.name, values);
      }
    }
    return measured;
  },
};

async function measureStart(peer: Peer, stage: Stage): Promise<Record<string, number> | undefined> {
  return await withContenders(stage, [peer], '', async ([contender]) => {
    if (!contender) return undefined;
    const cpu = cpuSeconds(contender.pid);
    await sleep(settleMs);
    const idle = residentBytes(contender.pid) / megabyte;
    await give(contender, imageOf([1000], 7000), 'latest');
    const url = `${contender.base}/manifests/latest`;
    const authorization = await contender.authorization();
    let asked = 0;
    while (asked < requests * stage.scale) {
      const { perSecond } = await rateOf(contender, {
        url,
        authorization,
        connections: 32,
        seconds: stage.seconds,
        core: stage.loadCore,
      });
      asked += perSecond * stage.seconds;
    }
    const after = residentBytes(contender.pid) / megabyte;
    rmSync(stage.directory, { recursive: true, force: true });
    return { ms: contender.startedInMs ?? Number.NaN, cpu, idle, after };
  });
}
