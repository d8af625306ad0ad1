import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../../src/oci/digest.ts';
import { OciError } from '../../../../src/oci/errors.ts';
import { WritableMemoryRepository } from '../../../support/writable-memory-repository.ts';
import { RawClient } from './raw-client.ts';
import { RegistryServer, type ServerOptions } from './registry-server.ts';

const size = 20 * 1024 * 1024;
const bytes = Buffer.alloc(size);

async function startServer(options: ServerOptions = {}) {
  const hosted = new WritableMemoryRepository();
  const server = await RegistryServer.start({}, { hosted, ...options });
  return Object.assign(server, { hosted, id: await hosted.uploads.start() });
}

const forbidding: ServerOptions = {
  access: {
    identify: async () => undefined,
    protectionLevel: async () => 0,
    require: () => Promise.reject(new OciError('DENIED', { detail: 'they may not' })),
  },
};
const readOnly: ServerOptions = { maintenance: { readOnlyReason: async () => 'the disk is being moved' } };

describe('an answer that does not wait for the body reaches a client that sends all of it first', () => {
  test.each<[number, string, string, Record<string, string>, ServerOptions]>([
    [401, 'PATCH', 'blobs/uploads/session-1', { Authorization: '' }, {}],
    [403, 'PATCH', 'blobs/uploads/session-1', {}, forbidding],
    [404, 'PATCH', 'blobs/uploads/session-2', {}, {}],
    [404, 'PATCH', 'nothing', {}, {}],
    [405, 'PUT', 'tags/list', {}, {}],
    [400, 'PUT', 'blobs/uploads/session-1', {}, {}],
    [413, 'PUT', 'manifests/latest', {}, {}],
    [416, 'PATCH', 'blobs/uploads/session-1', { 'Content-Range': `5-${size + 4}` }, {}],
    [503, 'PUT', 'manifests/latest', {}, readOnly],
    [202, 'POST', 'blobs/uploads/', {}, {}],
    [202, 'DELETE', 'manifests/latest', {}, {}],
    [204, 'DELETE', 'blobs/uploads/session-1', {}, {}],
  ])('%i to %s %s', async (status, method, path, headers, options) => {
    await using server = await startServer(options);
    await server.push('PUT', 'manifests/latest', Buffer.from('{}'));
    using client = new RawClient(server);
    client.begin(method, path, { 'Content-Length': size, ...headers });
    expect(await client.send(bytes)).toBe(true);
    const answer = await client.answer();
    expect(answer.status).toBe(status);
    expect(answer.head).toMatch(/^connection: close\r$/im);
    if (status >= 400) expect(JSON.parse(answer.body).errors).toHaveLength(1);
    await client.closed();
    expect(client.error).toBeUndefined();
  });

  test('also where it comes in the middle of one of unknown length', async () => {
    await using server = await startServer();
    using client = new RawClient(server);
    client.begin('PUT', 'manifests/latest', { 'Transfer-Encoding': 'chunked' });
    const chunk = Buffer.concat([Buffer.from('100000\r\n'), Buffer.alloc(0x100000), Buffer.from('\r\n')]);
    for (let sent = 0; sent < 10; sent += 1) expect(await client.send(chunk)).toBe(true);
    await client.send(Buffer.from('0\r\n\r\n'));
    const answer = await client.answer();
    expect([answer.status, JSON.parse(answer.body).errors]).toMatchObject([
      413,
      [{ code: 'MANIFEST_INVALID' }],
    ]);
    await client.closed();
    expect(client.error).toBeUndefined();
  });

  test('and one that was pushed before need not be read to be acknowledged', async () => {
    await using server = await startServer();
    server.hosted.uploads.commit = async () => undefined;
    using client = new RawClient(server);
    const path = `blobs/uploads/${server.id}?digest=${digestOf(bytes)}`;
    client.begin('PUT', path, { 'Content-Length': size });
    expect(await client.send(bytes)).toBe(true);
    expect((await client.answer()).head).toMatch(/^HTTP\/1.1 201 .*^content-length: 0\r$/ims);
  });
});

test('a client that stops at the answer is let go at once', async () => {
  await using server = await startServer(readOnly);
  using client = new RawClient(server);
  client.begin('PUT', 'manifests/latest', { 'Content-Length': size });
  expect((await client.answer()).status).toBe(503);
  client.socket.end();
  await client.closed();
  await expect.poll(() => server.log.lines).toHaveLength(1);
  expect(server.log.lines).toMatchObject([{ level: 'warn', fields: { status: 503 } }]);
});

test('a client that does not stop is not read from for ever', async () => {
  await using server = await startServer(readOnly);
  using client = new RawClient(server);
  client.begin('PUT', 'manifests/latest', { 'Content-Length': 100 * size });
  expect((await client.answer()).status).toBe(503);
  let sent = 0;
  while (await client.send(bytes)) sent += 1;
  expect(sent).toBeGreaterThan(1);
  expect(sent).toBeLessThan(20);
});

test('a small body that came with its request costs nobody the connection', async () => {
  await using server = await startServer(readOnly);
  using client = new RawClient(server);
  for (let round = 0; round < 3; round += 1) {
    client.begin('PUT', 'manifests/latest', { 'Content-Length': 2 }, '{}');
    expect((await client.answer()).status).toBe(503);
  }
});

test('a small body that comes after its head is awaited before it is refused, and costs nobody the connection', async () => {
  await using server = await startServer(forbidding);
  using client = new RawClient(server);
  for (let round = 0; round < 2; round += 1) {
    client.begin('PUT', 'manifests/latest', { 'Content-Length': 2 }, '{');
    const early = client.answer();
    const first = await Promise.race([early, sleep(200, 'nothing')]);
    expect(first).toBe('nothing');
    await client.send(Buffer.from('}'));
    expect((await early).status).toBe(403);
  }
});
