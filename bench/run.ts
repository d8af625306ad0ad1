/**
 * Entrepot beside its peers, in the same run and in turn, each server on one core and the load on another. Peers that are not installed are
 * passed over with a line. Prints the tables; `--write` puts them into docs/performance.md; `--strict` exits 1 where something falls short.
 *
 *   npm run bench -- [--only manifests,pushes] [--quick] [--rounds 5] [--seconds 4] [--scale 1] [--all-cores] [--write] [--strict]
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { missing } from '../test/e2e/support/processes.ts';
import { machine, markdownTable, writeSection } from './performance-page.ts';
import type { Scenario, Stage } from './scenario.ts';
import { cluster } from './scenarios/cluster.ts';
import { coldFast, coldSlow } from './scenarios/cold.ts';
import { databases } from './scenarios/databases.ts';
import { growth } from './scenarios/growth.ts';
import { installing } from './scenarios/installing.ts';
import { largeBlob } from './scenarios/large-blob.ts';
import { manyLayers } from './scenarios/layers.ts';
import { manifests } from './scenarios/manifests.ts';
import { mixed } from './scenarios/mixed.ts';
import { pushes } from './scenarios/pushes.ts';
import { smallBlobs } from './scenarios/small-blobs.ts';
import { stampede } from './scenarios/stampede.ts';
import { startUp } from './scenarios/start-up.ts';
import { tls } from './scenarios/tls.ts';
import { tokens } from './scenarios/tokens.ts';
import { tableOf } from './table.ts';
import { versions } from './versions.ts';

const scenarios: readonly Scenario[] = [
  manifests,
  smallBlobs,
  largeBlob,
  coldFast,
  coldSlow,
  stampede,
  manyLayers,
  pushes,
  tokens,
  tls,
  mixed,
  growth,
  startUp,
  databases,
  cluster,
  installing,
];

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    scale: { type: 'string' },
    'all-cores': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    strict: { type: 'boolean', default: false },
  },
});
const absent = await missing('taskset', 'curl', 'nginx', 'docker-registry', 'openssl');
if (absent.length > 0) throw new Error(`not installed: ${absent.join(', ')}`);
const chosen = values.only?.split(',') ?? scenarios.map(({ name }) => name);
const unknown = chosen.filter((name) => !scenarios.some((scenario) => scenario.name === name));
if (unknown.length > 0)
  throw new Error(`there is no ${unknown.join(', ')}, but ${scenarios.map(({ name }) => name).join(', ')}`);

const { quick } = values;
const root = mkdtempSync(join(tmpdir(), 'entrepot-bench-'));
const pinning = values['all-cores'] ? undefined : { server: 0, load: 1 };
const common = {
  rounds: Number(values.rounds ?? (quick ? 1 : 5)),
  warmUps: quick ? 1 : 8,
  seconds: Number(values.seconds ?? (quick ? 1 : 4)),
  scale: Number(values.scale ?? (quick ? 0.25 : 1)),
  serverCore: pinning?.server,
  loadCore: pinning?.load,
};
try {
  for (const scenario of scenarios) {
    if (!chosen.includes(scenario.name)) continue;
    const stage: Stage = { ...common, directory: join(root, scenario.name) };
    mkdirSync(stage.directory);
    const measured = await scenario.measure(stage);
    const { rows, shortfalls } = tableOf(scenario.title, scenario.rows(stage), measured);
    console.log('');
    if (values.strict && shortfalls.length > 0) process.exitCode = 1;
    if (values.write) {
      const lead = `${scenario.lead(stage)} Medians of ${stage.rounds} rounds in turn, and what they lie between. \`npm run bench -- --only ${scenario.name}\``;
      const text = `## ${scenario.title}\n\n${lead}\n\n${markdownTable(rows)}\n\n${[machine(), ...(await versions())].join(', ')}`;
      writeSection(scenario.name, text);
    }
    rmSync(stage.directory, { recursive: true, force: true });
  }
} finally {
  rmSync(root, { recursive: true, force: true });
}
