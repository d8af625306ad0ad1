import { execFile } from 'node:child_process';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { TestApp } from '../support/app.ts';

const main = resolve(import.meta.dirname, '../../src/main.ts');

async function start(): Promise<TestApp> {
  const app = await TestApp.start();
  onTestFinished(() => app.close());
  return app;
}

test('a second server on one data directory with SQLite says whose it is and does not start; the first goes on', async () => {
  const app = await start();
  const said = await promisify(execFile)(process.execPath, [main, 'serve'], {
    env: { ...app.environment },
  }).then(
    () => 'it started and ended',
    (error: { readonly stderr: string; readonly code: number }) => `${error.code}: ${error.stderr}`,
  );
  expect(said).toMatch(/^1: entrepot: data_directory: /);
  expect(said).toContain(`process ${process.pid} on ${hostname()}`);
  expect(said).toContain('database.url');
  expect(said.trim().split('\n')).toHaveLength(1);
  expect((await app.api('GET', '/version')).status).toBe(200);
});

test('what a killed server left does not keep the next from starting', async () => {
  const app = await start();
  await app.stop();
  const child = await app.startChild();
  await expect(app.startAnother()).rejects.toThrow();
  await child.kill();
  await app.resume();
  expect((await app.api('GET', '/version')).status).toBe(200);
});

test('commands that run beside a server do', async () => {
  const app = await start();
  const environment = { ...app.environment, ENTREPOT_SECRET_KEY: '00'.repeat(32) };
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'gc', '--dry-run'], {
    env: environment,
  });
  expect(stdout).not.toBe('');
});
