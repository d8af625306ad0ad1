/** How the program ends, and what does not end it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { freePort } from '../support/free-port.ts';
import { Run } from '../support/program.ts';

const program = resolve(import.meta.dirname, '../../bin/entrepot.js');
/** What a pipe holds is 64 KiB; a request is a line of some 200 bytes. */
const requestsBeyondPipe = 1000;

let directory: string;
let children: ChildProcess[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-stop-'));
  children = [];
});
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await rm(directory, { recursive: true, force: true });
});

/** Whose output is read by nobody. */
async function startUnread(): Promise<{ child: ChildProcess; url: string }> {
  const url = `http://127.0.0.1:${await freePort()}`;
  const child = spawn(process.execPath, [program, 'serve'], {
    env: {
      ENTREPOT_DATA_DIRECTORY: join(directory, 'data'),
      ENTREPOT_HTTP__ADDRESS: new URL(url).host,
      ENTREPOT_OPERATIONS__ADDRESS: '',
    },
  });
  children.push(child);
  const isReady = () =>
    fetch(`${url}/-/readiness`).then(
      ({ ok }) => ok,
      () => false,
    );
  await expect.poll(isReady, { interval: 100 }).toBe(true);
  return { child, url };
}

async function endOf(child: ChildProcess, signal: NodeJS.Signals): Promise<unknown> {
  const exit = once(child, 'exit');
  child.kill(signal);
  return (await exit)[0];
}

async function ask(url: string, times: number): Promise<void> {
  for (let done = 0; done < times; done += 1) await (await fetch(`${url}/v2/`)).text();
}

test('a reader of the log that stops holds up neither requests nor the end', async () => {
  const { child, url } = await startUnread();
  await ask(url, requestsBeyondPipe);
  expect(await endOf(child, 'SIGTERM')).toBe(0);
});

test('a reader of the log that goes away does not end the server', async () => {
  const { child, url } = await startUnread();
  child.stdout?.destroy();
  child.stderr?.destroy();
  await ask(url, 50);
  expect(child.exitCode).toBeNull();
  expect(await endOf(child, 'SIGTERM')).toBe(0);
});

test('SIGHUP without a terminal ends nothing, and clients that hang do not hold up the end for longer than the limit', async () => {
  const run = new Run(directory, [], { ENTREPOT_HTTP__SHUTDOWN_SECONDS: '0.2' });
  const url = await run.listening();
  run.signal('SIGHUP');
  await run.said(/other settings at a restart/);
  expect((await fetch(`${url}/-/liveness`)).status).toBe(200);
  const { port } = new URL(url);
  const hanging = connect(Number(port), '127.0.0.1');
  hanging.on('error', () => undefined);
  hanging.write('POST /api/v4/groups HTTP/1.1\r\nHost: x\r\nContent-Length: 6000\r\n\r\n{');
  await once(hanging, 'connect');
  expect(await run.end('SIGTERM')).toBe(0);
  expect(run.stdout).toContain('"stopped"');
});
