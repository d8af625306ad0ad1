/** The unit of systemd, as far as it can be looked at where no systemd runs. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { missing, run } from '../e2e/support/processes.ts';
import { root } from './support/container.ts';

const unit = join(root, 'deploy/entrepot.service');
const text = readFileSync(unit, 'utf8');
const directory = mkdtempSync(join(tmpdir(), 'entrepot-unit-'));
afterAll(() => rmSync(directory, { recursive: true }));
const absent = await missing('systemd-analyze');
if (absent.length > 0) console.log('the unit is not looked at: no systemd-analyze');
/** Of ten; what systemd calls OK ends at two. */
const maxExposure = 2;

test.skipIf(absent.length > 0)('the unit has no faults', async () => {
  // Where the programs are that it names is the matter of the machine that it is for.
  const here = join(directory, 'entrepot.service');
  writeFileSync(here, text.replace(/^ExecStart=\S+/m, `ExecStart=${process.execPath}`));
  const said = await run('bash', ['-c', 'systemd-analyze verify "$0" 2>&1', here]);
  expect(said.split('\n').filter((line) => line.includes('entrepot.service'))).toEqual([]);
});

test.skipIf(absent.length > 0)('the unit is exposed to little', async () => {
  const said = await run('bash', ['-c', 'systemd-analyze security --offline=true "$0"', unit]);
  const exposure = /Overall exposure level for \S+: (\d+\.\d+)/.exec(said)?.[1];
  expect(Number(exposure)).toBeLessThanOrEqual(maxExposure);
});

test('the unit starts the program as npm start does, and waits for its end as long as that takes', () => {
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const options = scripts.start.split(' ').slice(1, -2).join(' ');
  expect(text).toMatch(new RegExp(`^ExecStart=\\S+/node ${options} \\S+/bin/entrepot.js serve `, 'm'));
  expect(Number(/^TimeoutStopSec=(\d+)$/m.exec(text)?.[1])).toBeGreaterThanOrEqual(45);
});
