/** What `npm ci` brings, as a new checkout has it: on a machine that has Node 26, and on one that is given it. */
import { cpSync, lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, delimiter, dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../e2e/support/processes.ts';
import { root } from './support/container.ts';

const directory = mkdtempSync(join(tmpdir(), 'entrepot-installation-'));
afterAll(() => rmSync(directory, { recursive: true }));
const mebibyte = 1024 * 1024;
const maxMebibytes = 150;
const maxMebibytesWithNode = 250;
const installMs = 600_000;
let mebibytes = 0;

beforeAll(async () => {
  const isSource = (path: string) => !['node_modules', 'dist'].includes(basename(path));
  for (const path of ['package.json', 'package-lock.json', '.npmrc', 'bin', 'config', 'src', 'ui'])
    cpSync(join(root, path), join(directory, path), { recursive: true, filter: isSource });
  const env = { PATH: [dirname(process.execPath), '/usr/bin', '/bin'].join(delimiter) };
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: directory, env, timeoutMs: installMs });
  mebibytes = diskBytesOf(join(directory, 'node_modules')) / mebibyte;
}, installMs);

/** As `du` counts them: folders take room, too. */
function diskBytesOf(folder: string): number {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.reduce(
    (sum, { parentPath, name }) => sum + lstatSync(join(parentPath, name)).blocks * 512,
    0,
  );
}

test(`it takes ${maxMebibytes} MiB at most where Node is there`, () => {
  expect(mebibytes).toBeGreaterThan(50);
  expect(mebibytes).toBeLessThanOrEqual(maxMebibytes);
});

test(`it takes ${maxMebibytesWithNode} MiB at most with the Node that it brings`, () => {
  const node = lstatSync(process.execPath).blocks * 512;
  expect(mebibytes + node / mebibyte).toBeLessThanOrEqual(maxMebibytesWithNode);
});

test('what is installed is loaded: the clouds, and the traces', async () => {
  const { dependencies, optionalDependencies } = JSON.parse(
    readFileSync(join(directory, 'package.json'), 'utf8'),
  );
  const names = Object.keys({ ...dependencies, ...optionalDependencies });
  const load = `for (const name of ${JSON.stringify(names)}) await import(name);`;
  await run(process.execPath, ['--input-type=module', '--eval', load], { cwd: directory });
});
