/** On real sockets: nock cannot cut, stall or reuse a connection. */
import type { ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { setTimeout as pause } from 'node:timers/promises';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseRepositoryName } from '../../../src/oci/reference.ts';
import type { UpstreamOptions } from '../../../src/upstreams/registry.ts';
import type { OpenedBlob } from '../../../src/upstreams/upstream.ts';
import { eventually } from '../../support/eventually.ts';
import { createKit, image, type Kit, latest } from './kit.ts';
import { listen, startLoopbackRegistry } from './loopback-registry.ts';
import { untrusted } from './untrusted-certificate.ts';

const digest = digestOf(Buffer.from('blob'));
const kits: Kit[] = [];

function kitFor(url: string, options: Partial<UpstreamOptions> = {}): Kit {
  const kit = createKit({ url }, { allowedNetworks: ['127.0.0.1/32'], ...options });
  kits.push(kit);
  return kit;
}

afterEach(async () => {
  for (const { upstream } of kits.splice(0)) await upstream.close();
});

/** What arrived, and the error that ended it. */
async function drain({ body }: OpenedBlob): Promise<{ text: string; error?: unknown }> {
  let text = '';
  try {
    for await (const chunk of body) text += chunk.toString();
    return { text };
  } catch (error) {
    return { text, error };
  }
}

describe('a blob', () => {
  test.each([
    ['with a length', { 'content-length': '10' }],
    ['without one', {}],
  ])('%s that is cut off ends with an error after the bytes that came', async (_what, headers) => {
    const { url } = await startLoopbackRegistry((_request, response) => {
      response.writeHead(200, headers);
      response.write('0123', () => setTimeout(() => response.destroy(), 20));
    });
    const { upstream } = kitFor(url);
    const { text, error } = await drain(await upstream.openBlob(image, digest, { start: 0 }));
    expect(text).toBe('0123');
    expect(error).toMatchObject({ name: 'OutboundError', kind: 'unavailable', timedOut: false });
    expect(upstream.health().lastError?.message).toBe('closed the connection');
  });

  test('that stands still ends with a time-out', async () => {
    const { url } = await startLoopbackRegistry((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('0123');
    });
    const { upstream } = kitFor(url, { idleMs: 100 });
    const { text, error } = await drain(await upstream.openBlob(image, digest, { start: 0 }));
    expect(text).toBe('0123');
    expect(error).toMatchObject({ kind: 'unavailable', timedOut: true });
  });

  test('may take longer than the idle time-out in all', async () => {
    const { url } = await startLoopbackRegistry(async (_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      for (const digit of '0123456789') {
        response.write(digit);
        await pause(90);
      }
      response.end();
    });
    const { upstream } = kitFor(url, { idleMs: 800 });
    expect(await drain(await upstream.openBlob(image, digest, { start: 0 }))).toEqual({ text: '0123456789' });
  });

  test('that its reader closes while it waits is no failure of the upstream', async () => {
    const { url } = await startLoopbackRegistry((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.flushHeaders();
    });
    const { upstream } = kitFor(url, { breakerFailures: 1 });
    const opened = await upstream.openBlob(image, digest, { start: 0 });
    const drained = drain(opened);
    setTimeout(() => opened.close(), 20);
    expect((await drained).error).toMatchObject({ kind: 'unavailable' });
    expect(upstream.health()).toMatchObject({ breaker: 'closed', lastError: undefined });
  });

  test('whose signal aborts ends with its reason, and the connection with it', async () => {
    const closed = vi.fn();
    const { url } = await startLoopbackRegistry((request, response) => {
      request.socket.on('close', closed);
      response.writeHead(200, { 'content-length': '10' });
      response.write('0123');
    });
    const { upstream } = kitFor(url, { breakerFailures: 1 });
    const controller = new AbortController();
    const reason = new Error('enough');
    const opened = await upstream.openBlob(image, digest, { start: 0 }, controller.signal);
    setTimeout(() => controller.abort(reason), 20);
    expect(await drain(opened)).toEqual({ text: '0123', error: reason });
    await eventually(() => expect(closed).toHaveBeenCalled());
    expect(upstream.health().breaker).toBe('closed');
  });

  test('whose reader breaks off frees the connection', async () => {
    const closed = vi.fn();
    const { url } = await startLoopbackRegistry((request, response) => {
      request.socket.on('close', closed);
      response.writeHead(200, { 'content-length': '10' });
      response.write('0123');
    });
    const { upstream } = kitFor(url);
    for await (const _chunk of (await upstream.openBlob(image, digest, { start: 0 })).body) break;
    await eventually(() => expect(closed).toHaveBeenCalled());
  });

  test('of many mebibytes arrives whole, and is counted', async () => {
    const size = 24 * 1024 * 1024 + 5;
    const { url } = await startLoopbackRegistry((_request, response) => {
      response.writeHead(200, { 'content-length': size });
      response.end(Buffer.alloc(size, 1));
    });
    const { upstream, observer } = kitFor(url);
    let arrived = 0;
    for await (const chunk of (await upstream.openBlob(image, digest, { start: 0 })).body)
      arrived += chunk.length;
    expect(arrived).toBe(size);
    expect(observer.bytesArrived).toBe(size);
  });
});

describe('a manifest', () => {
  test('whose first byte does not come is a time-out', async () => {
    const { url } = await startLoopbackRegistry(() => {});
    await expect(kitFor(url, { firstByteMs: 100 }).upstream.getManifest(image, latest)).rejects.toMatchObject(
      {
        kind: 'unavailable',
        timedOut: true,
        unreachable: false,
        message: 'did not begin to answer in time (upstreams.first_byte_seconds)',
      },
    );
  });

  test('that is cut off is no manifest', async () => {
    const { url } = await startLoopbackRegistry((_request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('{"a', () => response.destroy());
    });
    await expect(kitFor(url).upstream.getManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});

describe('a registry', () => {
  test('that refuses connections is unreachable', async () => {
    const { upstream } = kitFor('http://127.0.0.1:1');
    await expect(upstream.headManifest(image, latest)).rejects.toMatchObject({
      kind: 'unavailable',
      unreachable: true,
      message: 'refused the connection',
    });
  });

  test('whose name does not resolve is unreachable', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('no'), { code: 'ENOTFOUND' }));
    await expect(
      kitFor('http://registry.test', { resolve }).upstream.headManifest(image, latest),
    ).rejects.toMatchObject({
      kind: 'unavailable',
      unreachable: true,
      message: 'has a host name that does not resolve',
    });
  });

  test('whose name takes too long to resolve is a time-out', async () => {
    const resolve = () => new Promise<never>(() => {});
    const { upstream } = kitFor('http://registry.test', { resolve, connectMs: 100 });
    await expect(upstream.getManifest(image, latest)).rejects.toMatchObject({
      timedOut: true,
      unreachable: true,
    });
  });

  test('whose certificate nobody trusts is not spoken to', async () => {
    const handler = vi.fn();
    const { port } = await listen(createTlsServer(untrusted, handler));
    await expect(
      kitFor(`https://127.0.0.1:${port}`).upstream.headManifest(image, latest),
    ).rejects.toMatchObject({
      kind: 'unavailable',
      unreachable: true,
      message: expect.stringMatching(/authority that is not known here.*\(DEPTH_ZERO_SELF_SIGNED_CERT\)$/),
    });
    expect(handler).not.toHaveBeenCalled();
  });

  test('is asked by HEAD and GET over one connection', async () => {
    const registry = await startLoopbackRegistry((_request, response) => response.end('{}'));
    const { upstream } = kitFor(registry.url);
    for (let n = 0; n < 3; n++) {
      await upstream.headManifest(image, latest);
      await pause(10);
      await upstream.getManifest(image, latest);
      await pause(10);
    }
    expect(registry.requests).toHaveLength(6);
    expect(registry.connections()).toBe(1);
  });

  test('that closed a kept connection is asked again over a new one', async () => {
    const seen = new WeakSet<object>();
    const registry = await startLoopbackRegistry(({ socket }, response) => {
      if (seen.has(socket)) socket.destroy();
      else response.end('{}');
      seen.add(socket);
    });
    const { upstream, observer } = kitFor(registry.url);
    await upstream.getManifest(image, latest);
    await upstream.getManifest(image, latest);
    expect(registry.connections()).toBe(2);
    expect(observer.requests).toEqual(['manifest ok', 'manifest ok']);
  });

  test('gets no more connections than it may, of which blobs leave a quarter', async () => {
    const held: ServerResponse[] = [];
    const registry = await startLoopbackRegistry((request, response) => {
      if (request.method === 'HEAD') response.end();
      else held.push(response.writeHead(200, { 'content-length': '3' }));
    });
    const { upstream } = kitFor(registry.url, { maxConnections: 4, firstByteMs: 5000 });
    const blobs = Array.from({ length: 9 }, async (_, n) =>
      drain(await upstream.openBlob(parseRepositoryName(`team/app${n}`), digest, { start: 0 })),
    );
    for (const inAll of [3, 6, 9]) {
      await eventually(() => expect(held).toHaveLength(inAll));
      await upstream.headManifest(image, latest);
      expect(held).toHaveLength(inAll);
      for (const response of held.slice(-3)) response.end('abc');
    }
    expect(await Promise.all(blobs)).toEqual(Array(9).fill({ text: 'abc' }));
    expect(registry.connections()).toBeLessThanOrEqual(4);
  });

  test('is left when the upstream is closed', async () => {
    const { url } = await startLoopbackRegistry(() => {});
    const { upstream } = kitFor(url);
    const asked = upstream.headManifest(image, latest);
    setTimeout(() => void upstream.close(), 20);
    await expect(asked).rejects.toMatchObject({ kind: 'unavailable' });
  });
});

describe('a registry that sends the body of a manifest by HEAD, too,', () => {
  test.each([
    ['at once', 0],
    ['late', 20],
  ])('is pulled from, be it %s', async (_what, lateMs) => {
    const body = '{"schemaVersion":2}';
    const { url } = await startLoopbackRegistry(({ method }, response) => {
      if (method !== 'HEAD') return void response.end(body);
      response.writeHead(200, { 'content-length': body.length, etag: digest });
      response.flushHeaders();
      setTimeout(() => response.socket?.write(body), lateMs);
    });
    const { upstream } = kitFor(url);
    for (let pull = 0; pull < 3; pull += 1) {
      expect(await upstream.headManifest(image, latest)).toEqual({ digest });
      expect((await upstream.getManifest(image, latest)).payload.toString()).toBe(body);
    }
  });
});
