/**
 * Entrepot beside Debian's docker-registry in the same run and round by round in turn, one core for each server and another for
 * the load. `--all-cores` lets servers and load have all cores for blobs. Exits 1 where a bound is broken.
 *
 *   npm run bench -- [--only warm-pulls|pushes|tokens] [--rounds 5] [--seconds 5] [--layer-mib 1024] [--all-cores] [--write]
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missing, run } from '../test/e2e/support/processes.ts';
import type { Compared } from './comparison.ts';
import { machine, markdownTable, writeSection } from './performance-page.ts';
import { measurePushes } from './pushes.ts';
import { measureTokens } from './tokens.ts';
import { measureWarmPulls } from './warm-pulls.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    'layer-mib': { type: 'string', default: '1024' },
    'all-cores': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
const absent = await missing('docker-registry', 'taskset', 'openssl', 'curl');
if (absent.length > 0) throw new Error(`not installed: ${absent.join(', ')}`);
const directory = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
const pinned = !values['all-cores'];
const common = { directory, rounds: Number(values.rounds), layerMib: Number(values['layer-mib']), pinned };
const cores = pinned ? 'on one core, the load on another' : 'on all cores for blobs, else on one';

try {
  if (isWanted('warm-pulls')) {
    const compared = await measureWarmPulls({ ...common, seconds: Number(values.seconds) });
    const how = `a blob of ${common.layerMib} MiB; medians of ${common.rounds} rounds in turn`;
    await finish('warm-pulls', 'Warm pulls', how, compared);
  }
  if (isWanted('pushes')) {
    const compared = await measurePushes(common);
    const how = `a blob of ${common.layerMib} MiB in one PATCH, and 200 blobs of 64 KiB by 8 clients; medians of ${common.rounds} rounds in turn`;
    await finish('pushes', 'Pushes', how, compared);
  }
  if (isWanted('tokens')) {
    const compared = await measureTokens({ ...common, seconds: Number(values.seconds) });
    const how = `medians of ${common.rounds} rounds in turn`;
    await finish('tokens', 'Tokens', how, compared);
  }
} finally {
  rmSync(directory, { recursive: true, force: true });
}

function isWanted(section: string): boolean {
  return values.only === undefined || values.only === section;
}

async function finish(section: string, title: string, how: string, { rows, holds }: Compared): Promise<void> {
  if (!holds) process.exitCode = 1;
  if (!values.write) return;
  const version = (await run('docker-registry', ['--version'])).trim();
  const lead = `Each server ${cores}; ${how}. \`npm run bench\``;
  writeSection(section, `## ${title}\n\n${lead}\n\n${markdownTable(rows)}\n\n${machine()}, ${version}`);
}
