import { execFile, execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../support/temporary-directory.ts';

const root = resolve(import.meta.dirname, '../..');
const program = join(root, 'bin/entrepot.js');
const systemNode = '/usr/bin/node';

function versionOf(node: string): string | undefined {
  try {
    return execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1);
  } catch {
    return undefined;
  }
}

const version = versionOf(systemNode);
const isOld = version !== undefined && Number.parseInt(version, 10) < 26;

/** By the older Node: its exit code, and what it said. */
function runOld(script: string, ...args: string[]): Promise<[unknown, string]> {
  return new Promise((done) => {
    execFile(systemNode, [script, ...args], (error, stdout, stderr) =>
      done([error?.code ?? 0, stdout + stderr]),
    );
  });
}

test.skipIf(!isOld)('an older Node says in one line which one is needed, where none came along', async () => {
  const directory = await temporaryDirectory();
  const bin = join(directory, 'bin');
  await cp(join(root, 'bin'), bin, { recursive: true });
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  expect(await runOld(join(bin, 'entrepot.js'), 'serve')).toEqual([
    1,
    `entrepot: needs Node 26 or later, this is ${version}; npm ci brings it\n`,
  ]);
});

test.skipIf(!isOld || !existsSync(join(root, 'node_modules/.bin/node')))(
  'an older Node hands over to the one that came along, whose end is its own',
  async () => {
    expect(await runOld(program, 'version')).toEqual([0, expect.stringMatching(/^\d+\.\d+\.\d+\n$/)]);
    expect(await runOld(program, 'srve')).toEqual([64, expect.stringContaining('Did you mean serve?')]);
  },
);

const neededMajor = Number(
  /neededMajor = (\d+)/.exec(readFileSync(join(root, 'bin/needed-node.js'), 'utf8'))?.[1],
);

test('the program needs the Node that the package says it needs', () => {
  const { engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  expect(`>=${neededMajor}`).toBe(engines.node);
});

test('the Node that npm brings is one that the program needs, for every platform alike', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'bin/node/package.json'), 'utf8'));
  const versions = new Set<string>(Object.values(optionalDependencies));
  expect(versions.size).toBe(1);
  for (const each of versions) expect(Number.parseInt(each, 10)).toBeGreaterThanOrEqual(neededMajor);
});
