/** How soon the server answers, and what it holds when nobody asks. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Entrepot } from '../support/entrepot.ts';
import { type Figure, mebibytes, median, megabyte, type Stage } from '../support/figure.ts';
import { residentBytes } from './memory.ts';

const maxIdleBytes = 120 * megabyte;
const maxStartMs = 1000;
const starts = 5;

export async function startUp({ patience }: Stage, directory: string): Promise<Figure[]> {
  const first: number[] = [];
  const again: number[] = [];
  const idle: number[] = [];
  for (let count = 0; count < starts; count += 1) {
    for (const times of [first, again]) {
      const server = await Entrepot.start({ directory: join(directory, String(count)) });
      times.push(server.startedInMs);
      if (times === again) {
        await sleep(2000);
        idle.push(residentBytes(server.program.pid, 'VmRSS'));
      }
      await server.stop();
    }
  }
  const figure = (what: string, times: readonly number[]): Figure => ({
    what: `${what}, to the first answered request, median of ${times.length}`,
    bound: `<= ${maxStartMs * patience} ms`,
    measured: `${median(times).toFixed(0)} ms (worst ${Math.max(...times).toFixed(0)} ms)`,
    holds: median(times) <= maxStartMs * patience,
  });
  return [
    figure('first start on an empty folder', first),
    figure('later start', again),
    {
      what: `idle resident memory, median of ${idle.length}`,
      bound: `<= ${mebibytes(maxIdleBytes)}`,
      measured: `${mebibytes(median(idle))} (worst ${mebibytes(Math.max(...idle))})`,
      holds: median(idle) <= maxIdleBytes,
    },
  ];
}
