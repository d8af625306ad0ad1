/** The table of README.md: our figures, and those of others by the same suite. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { markdownTable } from '../../bench/performance-page.ts';
import type { Outcome } from './outcome.ts';
import type { Report } from './report.ts';

const page = join(import.meta.dirname, '../../README.md');
const [start, end] = ['<!-- conformance -->', '<!-- /conformance -->'];
const head = ['', 'passed', 'failed', 'skipped'];
/** Measured with the same suite. */
const others = [
  ['olareg with deletion of blobs and sparse images: 1.1, development version', '', '0', '2'],
  ['distribution 3: 1.1', '', '94', ''],
  ['docker-registry 2.8.2: 1.1', '', '99', ''],
  ['`crane registry serve`: 1.1', '', '481', ''],
];

/** @param revision of the suite. @throws Error where README.md has no marks */
export function writeTable(outcomes: readonly Outcome[], revision: string): void {
  const text = readFileSync(page, 'utf8');
  const [from, to] = [text.indexOf(start), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`README.md has no ${start} … ${end}`);
  const lead = `The [suite of the OCI Distribution Specification](https://github.com/opencontainers/distribution-spec/tree/main/conformance), revision \`${revision}\`,
on SQLite and on PostgreSQL; where they differ, both figures. \`npm run conformance\``;
  const table = markdownTable([head, ...rowsOf(outcomes), ...others]);
  writeFileSync(page, `${text.slice(0, from)}${start}\n${lead}\n\n${table}\n${text.slice(to)}`);
}

function rowsOf(outcomes: readonly Outcome[]): string[][] {
  const kinds = [...new Set(outcomes.map(({ kind }) => kind))];
  return kinds.map((kind) => {
    const reports = outcomes.filter((outcome) => outcome.kind === kind).map(({ report }) => report);
    const cell = (figureOf: (report: Report) => number) => [...new Set(reports.map(figureOf))].join(' / ');
    return [
      `Entrepot: ${kind}`,
      cell(({ passed }) => passed),
      cell(({ failed }) => failed),
      cell(({ skipped }) => skipped),
    ];
  });
}
