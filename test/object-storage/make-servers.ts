/**
 * Makes the servers that the tests of object storage need, with what the machine has to spare: what there is no tool for, and what is
 * not made in time, is named, and its tests are skipped.
 *
 *   npm run make:storage-servers -- [--minutes N]
 */
import { setPriority } from 'node:os';
import { parseArgs } from 'node:util';
import { findProgram, makeProgram, programNames } from '../support/storage-servers/programs.ts';

const { values } = parseArgs({ options: { minutes: { type: 'string', default: '60' } } });
const lowest = 19;
setPriority(lowest);
const end = AbortSignal.timeout(Number(values.minutes) * 60_000);
const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort());
const either = AbortSignal.any([end, stop.signal]);

for (const name of programNames) {
  if (findProgram(name) !== undefined) continue;
  const begin = performance.now();
  try {
    if (either.aborted) throw new Error('no time was left');
    await makeProgram(name, either);
    console.log(`${name}: made in ${Math.round((performance.now() - begin) / 1000)} s`);
  } catch (error) {
    console.log(
      `${name}: not made, its tests are skipped: ${error instanceof Error ? error.message : error}`,
    );
  }
}
