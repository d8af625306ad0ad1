import { execFile, execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';

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

test.skipIf(!isOld)('an older Node says in one line which one is needed', async () => {
  const [code, output] = await new Promise<[unknown, string]>((done) => {
    execFile(systemNode, [program, 'serve'], (error, stdout, stderr) => done([error?.code, stdout + stderr]));
  });
  expect(code).toBe(1);
  expect(output).toBe(`entrepot: needs Node 26 or later, this is ${version}; npm start brings it\n`);
});

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
