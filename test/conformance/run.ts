/**
 * The conformance suite of the OCI Distribution Specification against the real program: hosted repositories by both versions of
 * the specification, with and without login, and a virtual registry in front of them; on SQLite, and on PostgreSQL where
 * TEST_POSTGRES_URL is set. Exits 1 on any failure, and on more than two skipped tests in a run.
 *
 *   npm run conformance -- [--only TEXT] [--keep] [--program PATH] [--allow-missing] [--write]
 *
 * The suite is the program at --program or CONFORMANCE_PROGRAM, else it is built by the Go tool. `--allow-missing`: that it
 * cannot be built is no failure. `--only`: runs whose name has TEXT in it. `--keep`: reports and logs stay. `--write`: the table of README.md.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { printTable } from '../e2e/support/figure.ts';
import { kinds } from './kinds.ts';
import { type Outcome, runKind } from './outcome.ts';
import { writeTable } from './readme-table.ts';
import { givenSuite, installSuite, type Suite } from './suite.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: '' },
    program: { type: 'string' },
    keep: { type: 'boolean', default: false },
    'allow-missing': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
  },
});
/** Of one run. */
const maxSkipped = 2;
const postgresUrl = process.env['TEST_POSTGRES_URL'] || undefined;
if (values.write && (values.only !== '' || postgresUrl === undefined))
  throw new Error('--write needs all runs: no --only, and TEST_POSTGRES_URL');

const runs = [
  { database: 'SQLite', url: undefined },
  ...(postgresUrl ? [{ database: 'PostgreSQL', url: postgresUrl }] : []),
]
  .flatMap(({ database, url }) => kinds.map((kind) => ({ name: `${kind.name}, ${database}`, kind, url })))
  .filter(({ name }) => name.includes(values.only));
if (runs.length === 0) throw new Error(`no run has "${values.only}" in its name`);

const directory = mkdtempSync(join(tmpdir(), 'entrepot-conformance-'));
try {
  const program = values.program ?? process.env['CONFORMANCE_PROGRAM'];
  const suite = program ? givenSuite(program) : await installSuite(directory).catch(explain);
  if (suite) await runAll(suite);
} finally {
  if (values.keep) console.log(`\nreports and logs: ${directory}`);
  else rmSync(directory, { recursive: true, force: true });
}

/** Of a suite that cannot be installed. */
function explain(error: unknown): undefined {
  console.log(
    `SKIPPED: the conformance suite could not be installed, so none of ${runs.length} runs was made.`,
  );
  console.log(`${error instanceof Error ? error.message : error}`);
  console.log('CONFORMANCE_PROGRAM or --program can name a program that is built already.');
  process.exitCode = values['allow-missing'] ? 0 : 1;
}

async function runAll(suite: Suite): Promise<void> {
  if (postgresUrl === undefined) console.log('not run on PostgreSQL: TEST_POSTGRES_URL is not set');
  const outcomes: Outcome[] = [];
  for (const [index, { name, kind, url }] of runs.entries()) {
    const place = { directory: join(directory, String(index)), postgresUrl: url };
    const outcome = await runKind(suite, kind, place).catch((error: unknown) => {
      console.log(`${name}: did not come to its end: ${error instanceof Error ? error.message : error}`);
      process.exitCode = 1;
    });
    if (!outcome) continue;
    outcomes.push(outcome);
    const { failed, skipped, unmet } = outcome.report;
    if (failed > 0 || skipped > maxSkipped) process.exitCode = 1;
    console.log(`${name}: ${failed} failed, ${skipped} skipped`);
    for (const { status, test, reasons } of unmet) console.log(`  ${status} ${test}: ${reasons.join(' ')}`);
  }
  console.log();
  printTable([
    ['run', 'passed', 'failed', 'skipped'],
    ...outcomes.map(({ kind, database, report: { passed, failed, skipped } }) =>
      [`${kind}, ${database}`, passed, failed, skipped].map(String),
    ),
  ]);
  const revision = suite.revision ?? outcomes[0]?.report.commit ?? 'unknown';
  console.log(`\nsuite: ${suite.program}, revision ${revision}`);
  if (values.write && outcomes.length === runs.length) writeTable(outcomes, revision);
}
