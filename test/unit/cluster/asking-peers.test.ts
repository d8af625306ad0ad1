/** On real sockets: what processes ask each other, and how. */
import { EventEmitter } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { createClusterHandler, type PeerRoutes } from '../../../src/cluster/cluster-handler.ts';
import { ClusterSecret, nonceHeader, signatureHeader } from '../../../src/cluster/cluster-secret.ts';
import { FrameWriter } from '../../../src/cluster/frame-writer.ts';
import { frameHeader } from '../../../src/cluster/frames.ts';
import { PeerClient } from '../../../src/cluster/peer-client.ts';
import type { Log } from '../../../src/observe/log.ts';
import { silentLog } from '../../support/silent-log.ts';

const secret = new ClusterSecret(Buffer.alloc(32, 1));

async function listen(handler: Parameters<typeof createServer>[1]) {
  const server = createServer(handler);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { id: 'other', address: `127.0.0.1:${(server.address() as AddressInfo).port}` };
}

async function start(routes: PeerRoutes, key = secret) {
  const warnings: string[] = [];
  const log: Log = { ...silentLog, warn: (_fields: object, message: string) => void warnings.push(message) };
  const peer = await listen(createClusterHandler({ self: 'other', secret: key, routes, log }));
  return { peer, warnings };
}

function clientOf(key = secret, silenceMs?: number): PeerClient {
  const client = new PeerClient({
    secret: key,
    reachMs: 30_000,
    userAgent: 'entrepot/test',
    ...(silenceMs !== undefined && { silenceMs }),
  });
  onTestFinished(() => client.close());
  return client;
}

const answering = (run: (writer: FrameWriter, query: URLSearchParams) => Promise<void>): PeerRoutes => ({
  '/-/x': (query) => (query.has('unknown') ? undefined : (writer) => run(writer, query)),
});

describe('a process', () => {
  test('is answered in frames, as it asked', async () => {
    const { peer } = await start(
      answering(async (writer, query) => {
        await writer.say({ asked: query.get('key') });
        await writer.send(Buffer.from('bytes'));
      }),
    );
    const { frames } = await clientOf().ask(peer, '/-/x?key=a%26b');
    const all = (await Array.fromAsync(frames)).map(({ kind, bytes }) => [
      kind,
      Buffer.from(bytes).toString(),
    ]);
    expect(all).toEqual([
      ['said', '{"asked":"a&b"}'],
      ['bytes', 'bytes'],
    ]);
  });

  test.each(['/-/y', '/-/x?unknown=1', '/toString', '/-/x/'])(
    'is told that nothing is known of %s',
    async (path) => {
      const { peer, warnings } = await start(answering(async () => undefined));
      await expect(clientOf().ask(peer, path)).rejects.toMatchObject({ kind: 'not-found', status: 404 });
      expect(warnings).toEqual([]);
    },
  );

  test('is refused where it has another secret, or means another process, and that is said', async () => {
    const { peer, warnings } = await start(answering(async (writer) => writer.say({})));
    const refused = { kind: 'unavailable', status: 401, message: 'refused to answer (401)' };
    await expect(clientOf(new ClusterSecret(Buffer.alloc(32, 2))).ask(peer, '/-/x')).rejects.toMatchObject(
      refused,
    );
    await expect(clientOf().ask({ ...peer, id: 'third' }, '/-/x')).rejects.toMatchObject(refused);
    const bare = await fetch(`http://${peer.address}/-/x`, { headers: { [nonceHeader]: 'n' } });
    expect([bare.status, await bare.text(), warnings.length]).toEqual([401, '', 3]);
  });

  test('does not believe who does not sign its answer', async () => {
    for (const signature of [{}, { [signatureHeader]: 'x' }]) {
      const peer = await listen((_request, response) => response.writeHead(200, signature).end());
      await expect(clientOf().ask(peer, '/-/x')).rejects.toMatchObject({
        kind: 'unavailable',
        message: 'is no process of this installation',
      });
    }
  });

  test('is not led elsewhere', async () => {
    const peer = await listen((_request, response) => response.writeHead(302, { location: '/-/x' }).end());
    await expect(clientOf().ask(peer, '/-/x')).rejects.toMatchObject({ kind: 'invalid' });
  });

  test.each([
    ['breaks off', async () => Promise.reject(new Error('broken'))],
    [
      'breaks off after a while',
      async (writer: FrameWriter) => writer.say({}).then(() => Promise.reject(new Error('broken'))),
    ],
  ])('is not told that all is there by one that %s, which says so', async (_, run) => {
    const { peer, warnings } = await start(answering(run));
    const asked = clientOf()
      .ask(peer, '/-/x')
      .then(({ frames }) => Array.fromAsync(frames));
    await expect(asked).rejects.toMatchObject({ kind: 'unavailable' });
    await vi.waitFor(() => expect(warnings).toEqual(['another process was not answered']), 30_000);
  });

  test('takes what is no frame for a fault of the other', async () => {
    const peer = await listen(({ method = '', url: path = '', headers }, response) => {
      const signed = { to: 'other', method, path, nonce: String(headers[nonceHeader]) };
      response.writeHead(200, { [signatureHeader]: secret.signatureOf(signed) }).end('what?!');
    });
    const { frames } = await clientOf().ask(peer, '/-/x');
    await expect(Array.fromAsync(frames)).rejects.toMatchObject({
      kind: 'unavailable',
      message: 'sent what is no frame',
    });
  });

  test('that leaves ends what is asked of the other, and nobody warns of it', async () => {
    const left = Promise.withResolvers<unknown>();
    const later = Promise.withResolvers<unknown>();
    const { peer, warnings } = await start(
      answering(async (writer) => {
        await writer.say({});
        writer.signal.addEventListener('abort', () => {
          left.resolve(writer.signal.reason);
          later.resolve(writer.say({}).catch((error: unknown) => error));
        });
        await left.promise;
        throw new Error('left');
      }),
    );
    const answer = await clientOf().ask(peer, '/-/x');
    await answer.frames.next();
    answer.close();
    expect(String(await left.promise)).toContain('has left');
    expect(await later.promise).toBe(await left.promise);
    expect(warnings).toEqual([]);
  });

  test('whose bytes nobody takes is told when it has left', async () => {
    const sent = Promise.withResolvers<unknown>();
    const { peer } = await start(
      answering(async (writer) => {
        const lot = Buffer.alloc(64 * 1024 * 1024);
        await writer.send(lot).catch((error: unknown) => sent.resolve(error));
      }),
    );
    const answer = await clientOf().ask(peer, '/-/x');
    await answer.frames.next();
    answer.close();
    expect(String(await sent.promise)).toContain('has left');
  });

  test('is taken for dead once it is silent', async () => {
    const silent = await listen(({ method = '', url: path = '', headers }, response) => {
      const signed = { to: 'other', method, path, nonce: String(headers[nonceHeader]) };
      response
        .writeHead(200, { [signatureHeader]: secret.signatureOf(signed) })
        .write(frameHeader('beat', 0));
    });
    const dead = await clientOf(secret, 100).ask(silent, '/-/x');
    await expect(Array.fromAsync(dead.frames)).rejects.toMatchObject({ kind: 'unavailable', timedOut: true });
  });
});

describe('an answer', () => {
  /** What is written of it, and how many bytes nobody has taken yet. */
  function writing() {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const written: string[] = [];
    const response = Object.assign(new EventEmitter(), {
      writableLength: 0,
      flushHeaders: () => written.push('head'),
      cork: () => undefined,
      uncork: () => undefined,
      write: (bytes: Buffer) => written.push(bytes.toString('hex')),
      end: () => written.push('end'),
      destroy: () => written.push('broken off'),
    });
    return { written, response, writer: new FrameWriter(response as unknown as ServerResponse) };
  }
  const beat = frameHeader('beat', 0).toString('hex');

  test('has its head at once, and a beat each second in which nothing waits to be taken', () => {
    const { written, response, writer } = writing();
    vi.advanceTimersByTime(2000);
    expect(written.splice(0)).toEqual(['head', beat, beat]);
    response.writableLength = 1;
    vi.advanceTimersByTime(5000);
    response.writableLength = 0;
    vi.advanceTimersByTime(1000);
    expect(written.splice(0)).toEqual([beat]);
    writer.end();
    vi.advanceTimersByTime(5000);
    expect(written).toEqual(['end']);
  });

  test.each(['close', 'error'])(
    'ends with the connection (%s), as does what waits to be taken',
    async (event) => {
      const { response, writer, written } = writing();
      const waiting = writer.say({});
      response.emit(event, new Error('x'));
      await expect(waiting).rejects.toThrow('has left');
      expect(writer.signal.aborted).toBe(true);
      const before = written.length;
      vi.advanceTimersByTime(5000);
      expect(written).toHaveLength(before);
    },
  );

  test('that is broken off beats no more', () => {
    const { written, writer } = writing();
    writer.breakOff();
    vi.advanceTimersByTime(5000);
    expect(written).toEqual(['head', 'broken off']);
  });
});
