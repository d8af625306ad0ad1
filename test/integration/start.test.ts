/** What a start promises, of the program as people run it. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Run } from '../support/program.ts';

const fixtures = resolve(import.meta.dirname, '../fixtures/tls');
const shownToken = /^ {2}(ent-\S+)$/m;

let directory: string;
let running: Run[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-start-'));
  running = [];
});
afterEach(async () => {
  for (const run of running) await run.end('SIGKILL');
  await rm(directory, { recursive: true });
});

function start(environment: Readonly<Record<string, string>> = {}): Run {
  const run = new Run(directory, [], environment);
  running.push(run);
  return run;
}

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
}

describe('a first start that fails', () => {
  test.each(['HTTP', 'OPERATIONS'])(
    'makes no root where %s__ADDRESS is taken; the next start shows a token that works',
    async (part) => {
      await using server = createServer();
      const taken = await listening(server);
      const failed = start({ [`ENTREPOT_${part}__ADDRESS`]: taken });
      expect(await failed.exitCode()).toBe(1);
      expect(failed.stderr).toBe(
        `entrepot: ${part.toLowerCase()}.address: cannot listen on ${taken}: something else listens there; stop it, or set another\n`,
      );
      expect(failed.stdout).toBe('');

      const next = start();
      const url = await next.listening();
      const token = shownToken.exec(next.stdout)?.[1] ?? '';
      expect((await fetch(`${url}/api/v4/user`, { headers: { 'private-token': token } })).status).toBe(200);
    },
  );

  test('says all faults at once, each with its setting', async () => {
    await using server = createServer();
    const taken = await listening(server);
    const certificate = join(directory, 'nope.crt');
    await copyFile(join(fixtures, 'first.key'), join(directory, 'tls.key'));
    const run = start({
      ENTREPOT_HTTP__TLS__CERTIFICATE: certificate,
      ENTREPOT_HTTP__TLS__KEY: join(directory, 'tls.key'),
      ENTREPOT_OPERATIONS__ADDRESS: taken,
      ENTREPOT_SECRET_KEY_FILE: join(directory, 'nope.key'),
    });
    expect(await run.exitCode()).toBe(1);
    expect(run.stdout).toBe('');
    expect(run.stderr.trim().split('\n')).toEqual([
      'entrepot: cannot start',
      `http.tls.certificate: cannot read ${certificate}: there is no such file or directory`,
      expect.stringMatching(/^operations\.address: cannot listen on /),
      expect.stringMatching(/^ENTREPOT_SECRET_KEY_FILE: cannot read .*: there is no such file or directory$/),
    ]);
  });

  test.each([
    ['nowhere.invalid:0', 'no '],
    ['192.0.2.1:0', 'this machine has no such address'],
  ])('says in one line why it cannot listen on %s', async (address, reason) => {
    const run = start({ ENTREPOT_HTTP__ADDRESS: address });
    expect(await run.exitCode()).toBe(1);
    expect(run.stderr).toMatch(
      new RegExp(`^entrepot: http\\.address: cannot listen on ${address}: ${reason}.*\\n$`),
    );
    expect(run.stdout).toBe('');
  });
});

describe('a start that takes its time', () => {
  test('answers 503 with Retry-After and lives, until it is asked to stop', async () => {
    // A database that accepts connections and says nothing.
    await using silent = createServer((socket) => socket.on('error', () => undefined));
    const database = await listening(silent);
    await using free = createServer();
    const address = await listening(free);
    await free[Symbol.asyncDispose]();
    const connected = once(silent, 'connection');
    const run = start({
      ENTREPOT_HTTP__ADDRESS: address,
      ENTREPOT_DATABASE__URL: `postgres://user@${database}/none`,
      ENTREPOT_SECRET_KEY: randomBytes(32).toString('hex'),
    });
    const [socket] = await connected;
    const v2 = await fetch(`http://${address}/v2/`);
    expect(v2.status).toBe(503);
    expect(v2.headers.get('retry-after')).toBe('2');
    expect(await v2.json()).toMatchObject({ errors: [{ code: 'UNAVAILABLE' }] });
    const rest = await fetch(`http://${address}/api/v4/user`);
    expect(rest.status).toBe(503);
    expect(await rest.json()).toEqual({ message: expect.stringContaining('the server is starting') });
    expect((await fetch(`http://${address}/-/readiness`)).status).toBe(503);
    expect((await fetch(`http://${address}/-/liveness`)).status).toBe(200);
    expect(await run.end('SIGTERM')).toBe(0);
    expect(run.stdout).toContain('stopped before it was ready');
    expect(run.stdout).not.toMatch(shownToken);
    socket.destroy();
  });
});
