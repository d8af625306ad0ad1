import { PassThrough } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { RequestBody } from '../../../../src/api/registry/request-body.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { useFakeTimers } from '../../../support/fake-timers.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import { RawClient } from './raw-client.ts';
import { RegistryServer } from './registry-server.ts';

async function startServer(options: Parameters<typeof RegistryServer.start>[1] = {}) {
  const hosted = new WritableMemoryRepository();
  const server = await RegistryServer.start({}, { hosted, ...options });
  return Object.assign(server, { hosted, id: await hosted.uploads.start() });
}

test('a client that leaves in the middle leaves what it sent, and is no error', async () => {
  await using server = await startServer();
  using client = new RawClient(server);
  client.begin('PATCH', `blobs/uploads/${server.id}`, { 'Content-Length': 1000 });
  await client.send(Buffer.alloc(100));
  await expect.poll(() => server.hosted.uploads.sessions.get(server.id)).toHaveLength(100);
  client.socket.destroy();
  await expect.poll(() => server.log.lines).toHaveLength(1);
  expect(server.log.lines).toMatchObject([{ level: 'info', fields: { status: 499, incomplete: true } }]);
  expect(server.hosted.uploads.sessions.get(server.id)).toHaveLength(100);
});

test('a client that leaves in the middle of a manifest pushes none', async () => {
  await using server = await startServer();
  using client = new RawClient(server);
  client.begin('PUT', 'manifests/latest', { 'Transfer-Encoding': 'chunked' });
  await client.send(Buffer.from('2\r\n{}\r\n'));
  await sleep(20);
  client.socket.destroy();
  await expect.poll(() => server.log.lines).toHaveLength(1);
  expect(server.log.lines).toMatchObject([{ level: 'info', fields: { status: 499 } }]);
  expect(server.hosted.manifests.size).toBe(0);
});

test('a client that leaves in the middle of a blob pushed at once leaves no session', async () => {
  await using server = await startServer();
  using client = new RawClient(server);
  client.begin('POST', `blobs/uploads/?digest=sha256:${'a'.repeat(64)}`, { 'Content-Length': 1000 });
  await client.send(Buffer.alloc(100));
  await expect.poll(() => server.hosted.uploads.sessions.size).toBe(2);
  client.socket.destroy();
  await expect.poll(() => server.hosted.uploads.sessions.size).toBe(1);
});

test('a client that sends nothing for too long is let go, and its session stays', async () => {
  await using server = await startServer({ stalledMs: 100 });
  using client = new RawClient(server);
  client.begin('PATCH', `blobs/uploads/${server.id}`, { 'Content-Length': 1000 });
  await client.send(Buffer.alloc(100));
  const { status, body } = await client.answer();
  expect([status, JSON.parse(body).errors]).toMatchObject([408, [{ code: 'SIZE_INVALID' }]]);
  await client.closed();
  await expect.poll(() => server.log.lines).toHaveLength(1);
  expect(server.log.lines).toMatchObject([
    { level: 'info', fields: { status: 408, detail: expect.stringContaining('nothing for 0.1 s') } },
  ]);
  expect(server.hosted.uploads.sessions.get(server.id)).toHaveLength(100);
});

test('a client that is slow but sends is not let go, and neither is one that waits for the disk', async () => {
  useFakeTimers();
  const request = Object.assign(new PassThrough(), { headers: { 'content-length': '3' } });
  const body = new RequestBody(request, { stalledMs: 150 });
  for (const byte of ['a', 'b', 'c']) {
    const reading = body.next();
    await vi.advanceTimersByTimeAsync(149);
    request.write(byte);
    expect(await reading).toEqual({ done: false, value: Buffer.from(byte) });
    // So long the disk takes for it.
    await vi.advanceTimersByTimeAsync(1000);
  }
  const last = body.next();
  request.end();
  expect(await last).toEqual({ done: true, value: undefined });
  body.release();
});

test('no more is read than a store takes', async () => {
  await using server = await startServer();
  let isStored = (): void => undefined;
  server.hosted.uploads.append = async (_id, { body }) => {
    let length = 0;
    for await (const chunk of body) {
      if (length === 0) await new Promise<void>((resolve) => (isStored = resolve));
      length += chunk.length;
    }
    return length;
  };
  using client = new RawClient(server);
  const bytes = Buffer.alloc(64 * 1024 * 1024);
  client.begin('PATCH', `blobs/uploads/${server.id}`, { 'Content-Length': bytes.length });
  const sending = client.send(bytes);
  await sleep(300);
  // The rest of it is in the buffers of the system.
  expect(client.socket.writableLength).toBeGreaterThan(bytes.length / 2);
  isStored();
  expect(await sending).toBe(true);
  expect((await client.answer()).head).toMatch(/^range: 0-67108863\r$/im);
});

test('a store that is done with a body need not wait for its next bytes', async () => {
  await using server = await startServer();
  server.hosted.uploads.append = async (_id, { body }) => {
    const reading = body[Symbol.asyncIterator]();
    await reading.next();
    const next = reading.next();
    await reading.return?.();
    expect(await next).toEqual({ done: true, value: undefined });
    throw new OciError('BLOB_UPLOAD_INVALID', { detail: 'another request goes on with it' });
  };
  using client = new RawClient(server);
  client.begin('PATCH', `blobs/uploads/${server.id}`, { 'Content-Length': 1000 });
  await client.send(Buffer.alloc(100));
  const { status, body } = await client.answer();
  expect([status, JSON.parse(body).errors]).toMatchObject([
    400,
    [{ message: 'another request goes on with it' }],
  ]);
});

test('a connection is used for one push after the other', async () => {
  await using server = await startServer();
  using client = new RawClient(server);
  for (const range of ['0-99', '0-199', '0-299']) {
    client.begin('PATCH', `blobs/uploads/${server.id}`, { 'Content-Length': 100 });
    await client.send(Buffer.alloc(100));
    const { head } = await client.answer();
    expect(head).toContain(`range: ${range}\r\n`.replace('range', 'Range'));
    expect(head).not.toMatch(/^connection: close/im);
  }
});

test('a small body has a time in all, however it trickles', async () => {
  const request = new PassThrough();
  const message = Object.assign(request, { headers: { 'content-length': '1000' } });
  const body = new RequestBody(message, { stalledMs: 10_000, totalMs: 150 });
  const timer = setInterval(() => request.write(' '), 20);
  const reading = (async () => {
    for await (const _ of body);
  })();
  await expect(reading).rejects.toMatchObject({
    status: 408,
    message: 'the body did not come within 0.15 s',
  });
  clearInterval(timer);
  body.release();
});
