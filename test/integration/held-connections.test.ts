import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import type { TestApp } from '../support/app.ts';
import { bytesOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { seededBlob } from '../support/fake-content.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const form = 'Content-Type: application/x-www-form-urlencoded';
const json = 'Content-Type: application/json';
/** What strangers can begin, and not end. */
const begun = [
  '',
  'GET /v2/ HTTP/1.1\r\nHost: a\r\nX-',
  `POST /jwt/auth HTTP/1.1\r\nHost: a\r\n${form}\r\nContent-Length: 6000\r\n\r\n`,
  `POST /session HTTP/1.1\r\nHost: a\r\n${json}\r\nContent-Length: 6000\r\n\r\n{`,
  `POST /oauth/token HTTP/1.1\r\nHost: a\r\n${form}\r\nContent-Length: 6000\r\n\r\n`,
  `POST /api/v4/groups HTTP/1.1\r\nHost: a\r\n${json}\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n`,
  `POST /api/v4/projects HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 6000\r\n\r\n--b`,
  'PUT /v2/acme/shop/manifests/v1 HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n',
  'POST /v2/acme/shop/blobs/uploads/ HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n',
  `POST /jwt/auth HTTP/1.1\r\nHost: a\r\n${form}\r\nExpect: 100-continue\r\nContent-Length: 6000\r\n\r\n`,
  `GET /v2/ HTTP/1.1\r\nHost: a\r\n\r\n`.repeat(3) +
    `POST /session HTTP/1.1\r\nHost: a\r\n${json}\r\nContent-Length: 9\r\n\r\n`,
  'GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 6000\r\n\r\n',
];

/** Connections that have begun something each and do not go on. */
class Held {
  readonly #sockets: Socket[] = [];

  async add({ url }: TestApp, count: number): Promise<void> {
    const { port } = new URL(url);
    const added = Array.from({ length: count }, (_, index) => {
      const socket = connect({ port: Number(port), host: '127.0.0.1', allowHalfOpen: true });
      socket.on('error', () => undefined).resume();
      socket.write(begun[index % begun.length] ?? '');
      this.#sockets.push(socket);
      return once(socket, 'connect');
    });
    await Promise.all(added);
  }

  get open(): number {
    return this.#sockets.filter((socket) => !socket.destroyed && !socket.readableEnded).length;
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

describeApp('connections that are held', (start) => {
  const layers = Array.from({ length: 12 }, (_, seed) => seededBlob(50_000, seed + 1));

  async function startUpstream(): Promise<FakeRegistry> {
    const upstream = await new FakeRegistry().start();
    for (const [index, layer] of layers.entries())
      upstream.repository('team/app').addImage({ tag: `v${index}`, layers: [layer] });
    return upstream;
  }

  test('500 of them, before any login, disturb no pull', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream] });
    using held = new Held();
    await held.add(app, 500);
    for (const temperature of ['cold', 'warm']) {
      const pulls = layers.map(async (layer, index) => {
        const manifest = await app.manifest('team/app', `v${index}`);
        expect([temperature, manifest.status]).toEqual([temperature, 200]);
        expect(digestOf(await bytesOf(await app.blob('team/app', layer.digest)))).toBe(layer.digest);
      });
      await Promise.all(pulls);
    }
    expect(held.open).toBeGreaterThan(400);
  });

  test('a server that may open 64 files refuses connections, and answers no pull 500', async () => {
    await using upstream = await startUpstream();
    await using app = await start({ upstreams: [upstream] });
    await app.stop();
    const child = await app.startChild({ maxOpenFiles: 64 });
    try {
      const statuses: number[] = [];
      {
        using held = new Held();
        for (let round = 0; round < 5; round += 1) {
          await held.add(app, 40);
          const pulls = layers.map(async (layer, index) => {
            for (const pull of [
              () => app.manifest('team/app', `v${index}`),
              () => app.blob('team/app', layer.digest),
            ]) {
              // Of most connections too many, the door is only closed.
              const answer = await pull().catch(() => undefined);
              await answer?.arrayBuffer().catch(() => undefined);
              if (answer) statuses.push(answer.status);
            }
          });
          await Promise.all(pulls);
        }
      }
      expect(statuses.filter((status) => status !== 200 && status !== 503)).toEqual([]);
      await expect
        .poll(async () => (await app.manifest('team/app', 'v1').catch(() => undefined))?.status)
        .toBe(200);
      for (const layer of layers) {
        const blob = await app.blob('team/app', layer.digest);
        expect(digestOf(await bytesOf(blob))).toBe(layer.digest);
      }
    } finally {
      await child.kill();
    }
  });
});
