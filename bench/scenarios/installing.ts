/** What `npm ci` brings, with what tests and builds need and without. */
import { cpSync, mkdirSync, rmSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { megabyte } from '../../test/e2e/support/figure.ts';
import { run } from '../../test/e2e/support/processes.ts';
import { addTo } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';

const root = join(import.meta.dirname, '../..');
const ways = [
  { name: 'Entrepot, npm ci', flags: [] },
  { name: 'Entrepot, npm ci --omit=dev', flags: ['--omit=dev'] },
];

export const installing: Scenario = {
  name: 'installing',
  title: 'Installing',
  lead: () => "`npm ci` in a folder without node_modules, from npm's cache as it is.",
  rows: () => [
    { quantity: 'seconds', what: 'until it has ended', unit: ' s', decimals: 1, better: 'less' },
    { quantity: 'size', what: 'on disk', unit: ' MiB', decimals: 0, better: 'less' },
  ],
  async measure({ directory, rounds }) {
    const measured = new Map<string, Record<string, number[]>>();
    for (let round = 0; round < rounds; round += 1) {
      for (const { name, flags } of ways) addTo(measured, name, await install(directory, flags));
    }
    return measured;
  },
};

async function install(directory: string, flags: readonly string[]): Promise<Record<string, number>> {
  const folder = join(directory, 'installed');
  mkdirSync(folder);
  for (const each of ['package.json', 'package-lock.json', '.npmrc', 'bin', 'src', 'config'])
    cpSync(join(root, each), join(folder, each), { recursive: true });
  const command = ['ci', '--no-audit', '--no-fund', ...flags];
  // Without the one that is fetched for tests, ours must be found.
  const PATH = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  const startedAt = performance.now();
  await run('npm', command, { cwd: folder, timeoutMs: 600_000, env: { PATH } });
  const seconds = (performance.now() - startedAt) / 1000;
  const report = await run('du', ['-sk', join(folder, 'node_modules')]);
  rmSync(folder, { recursive: true });
  return { seconds, size: (Number.parseInt(report, 10) * 1024) / megabyte };
}
