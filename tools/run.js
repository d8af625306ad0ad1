/**
 * Runs a program of a folder here, which is installed there when it is needed first or its versions have changed:
 * `node tools/run.js check tsc`. So `npm ci` brings what users need, and not what only those need who change things.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

const [tool = '', program = '', ...args] = process.argv.slice(2);
const folder = join(import.meta.dirname, tool);
const installed = join(folder, 'node_modules/.installed');
const wanted = readFileSync(join(folder, 'package-lock.json'), 'utf8');

if (!existsSync(installed) || readFileSync(installed, 'utf8') !== wanted) {
  const options = ['--no-audit', '--no-fund', '--loglevel=error'];
  const shell = process.platform === 'win32';
  // Standard output is the program's.
  execFileSync('npm', ['ci', '--prefix', folder, ...options], { stdio: ['ignore', 2, 2], shell });
  writeFileSync(installed, wanted);
}
const env = { ...process.env, PATH: [join(folder, 'node_modules/.bin'), process.env.PATH].join(delimiter) };
const { status, error } = spawnSync(program, args, {
  stdio: 'inherit',
  env,
  shell: process.platform === 'win32',
});
if (error) throw error;
process.exitCode = status ?? 1;
