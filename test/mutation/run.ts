/**
 * Changes the core for the worse, one fault after another, and says which of them no test sees: `npm run test:mutation -- rules proxy`;
 * without names, every room. `src/rules/glob.ts` tries one file, `--since main` the files that differ from that commit. What was seen before
 * and has not changed, nor its tests, is not tried again. Exits 1 where a room is below what is needed, or a fault is accepted that is none any more.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { matchesGlob, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import type { MutantResult, PartialStrykerOptions } from '@stryker-mutator/api/core';
import { Stryker } from '@stryker-mutator/core';
import { type AcceptedFault, accepted } from './accepted.ts';
import { type MutatedRoom, neededPercent, rooms } from './rooms.ts';

const root = resolve(import.meta.dirname, '../..');
process.chdir(root);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { since: { type: 'string' }, concurrency: { type: 'string', default: '2' } },
});
for (const name of positionals) {
  if (!name.startsWith('src/') && !rooms[name])
    throw new Error(`there is no room ${name}: ${Object.keys(rooms).join(', ')}`);
}
const named = positionals.filter((name) => name.startsWith('src/'));
const files = values.since === undefined ? named : [...named, ...changedSince(values.since)];

for (const [name, room] of Object.entries(rooms)) {
  const isWhole = positionals.includes(name) || (positionals.length === 0 && values.since === undefined);
  const chosen = isWhole
    ? room.sources.map((source) => `src/${source}`)
    : files.filter((file) => isOf(room, file));
  if (chosen.length === 0) continue;
  const results = await attack(name, room, chosen);
  report(
    name,
    results.filter((mutant) => isWhole || chosen.includes(fileOf(mutant))),
  );
}

function attack(name: string, room: MutatedRoom, mutate: readonly string[]): Promise<MutantResult[]> {
  process.env['MUTATION_TESTS'] = room.tests.map((test) => `test/${test}`).join(' ');
  const incrementalFile = `node_modules/.cache/mutation/${name}.json`;
  forgetUnseen(incrementalFile);
  const options: PartialStrykerOptions = {
    testRunner: 'vitest',
    plugins: ['@stryker-mutator/vitest-runner', resolve(import.meta.dirname, 'ignored.ts')],
    ignorers: ['words'],
    vitest: { configFile: 'test/mutation/vitest.config.ts', related: false },
    coverageAnalysis: 'perTest',
    mutate: [...mutate],
    concurrency: Number(values.concurrency),
    incremental: true,
    incrementalFile,
    // Node does not run sources below node_modules.
    tempDirName: '.mutation',
    // TypeScript 7 has no API that Stryker knows, and no file of ours is in need of it.
    tsconfigFile: 'none.json',
    reporters: ['progress'],
    ignorePatterns: ['/docs', '/bench'],
    allowEmpty: true,
  };
  return new Stryker(options).runMutationTest();
}

/** Stryker does not notice that a fault in what runs when a module is loaded has new tests, and would take it for unseen for ever. */
function forgetUnseen(incrementalFile: string): void {
  if (!existsSync(incrementalFile)) return;
  const before = JSON.parse(readFileSync(incrementalFile, 'utf8')) as TriedBefore;
  for (const file of Object.values(before.files))
    file.mutants = file.mutants.filter(({ status }) => status === 'Killed' || status === 'Timeout');
  writeFileSync(incrementalFile, JSON.stringify(before));
}

/** As much of Stryker's report as is looked at. */
interface TriedBefore {
  readonly files: Readonly<Record<string, { mutants: readonly Pick<MutantResult, 'status'>[] }>>;
}

function report(name: string, results: readonly MutantResult[]): void {
  const counted = results.filter(
    ({ status }) => status !== 'CompileError' && status !== 'RuntimeError' && status !== 'Ignored',
  );
  const survivors = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  const open = survivors.filter((mutant) => !isAccepted(mutant));
  tellOutdated(survivors, new Set(counted.map(fileOf)));
  for (const mutant of open) process.stdout.write(`${describe(mutant)}\n`);
  const seen = counted.length - survivors.length;
  // Where nothing can be changed, nothing is unseen.
  const percent = counted.length === 0 ? 100 : (100 * (counted.length - open.length)) / counted.length;
  const enough = percent >= neededPercent;
  process.stdout.write(
    `${name}: ${seen} of ${counted.length} faults seen, ${survivors.length - open.length} accepted, ${open.length} open: ${percent.toFixed(1)} %, ${enough ? 'enough' : `needed are ${neededPercent} %`}\n`,
  );
  if (!enough) process.exitCode = 1;
}

function isAccepted(mutant: MutantResult): boolean {
  return accepted.some((each) => isThat(each, mutant));
}

function isThat({ file, line, fault }: AcceptedFault, mutant: MutantResult): boolean {
  return (
    `src/${file}` === fileOf(mutant) &&
    line === lineOf(mutant) &&
    (fault === mutant.replacement || fault === mutant.mutatorName)
  );
}

/** What was accepted in files that were tried, and survives there no more. */
function tellOutdated(survivors: readonly MutantResult[], tried: ReadonlySet<string>): void {
  for (const each of accepted) {
    if (!tried.has(`src/${each.file}`) || survivors.some((mutant) => isThat(each, mutant))) continue;
    process.stdout.write(`accepted for nothing: ${each.file}: ${each.line}: ${each.fault}\n`);
    process.exitCode = 1;
  }
}

function describe(mutant: MutantResult): string {
  const { start } = mutant.location;
  const head = `${fileOf(mutant)}:${start.line}:${start.column} ${mutant.mutatorName}${mutant.status === 'NoCoverage' ? ', no test comes here' : ''}`;
  return `${head}\n  ${lineOf(mutant)}\n  → ${mutant.replacement ?? ''}\n`;
}

function fileOf({ fileName }: MutantResult): string {
  return relative(root, resolve(root, fileName));
}

function lineOf(mutant: MutantResult): string {
  const lines = readFileSync(resolve(root, fileOf(mutant)), 'utf8').split('\n');
  return lines[mutant.location.start.line - 1]?.trim() ?? '';
}

function isOf({ sources }: MutatedRoom, file: string): boolean {
  return sources.some((source) => matchesGlob(file, `src/${source}`));
}

function changedSince(commit: string): string[] {
  const text = execFileSync('git', ['diff', '--name-only', '--diff-filter=d', commit, '--', 'src'], {
    encoding: 'utf8',
  });
  return text.split('\n').filter((file) => file.endsWith('.ts'));
}
