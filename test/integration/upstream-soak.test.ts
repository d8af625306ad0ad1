import { createServer, type Socket } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Log } from '../../src/observe/log.ts';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { seededBlob } from '../support/fake-content.ts';
import type { Fault } from '../support/fake-faults.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { silentLog } from '../support/silent-log.ts';

const requests = 300;
const atOnce = 12;
const images = 40;
const dayMs = 25 * 3_600_000;

/** Short enough that what hangs ends within the test; the breaker would end it all. */
const environment = {
  ENTREPOT_UPSTREAMS__MAX_CONNECTIONS: '8',
  ENTREPOT_UPSTREAMS__CONNECT_SECONDS: '1',
  ENTREPOT_UPSTREAMS__FIRST_BYTE_SECONDS: '1',
  ENTREPOT_UPSTREAMS__PROBE_SECONDS: '1',
  ENTREPOT_UPSTREAMS__ANSWER_SECONDS: '1',
  ENTREPOT_UPSTREAMS__LIST_SECONDS: '2',
  ENTREPOT_UPSTREAMS__QUEUE_SECONDS: '2',
  ENTREPOT_UPSTREAMS__IDLE_SECONDS: '1',
  ENTREPOT_UPSTREAMS__BREAKER_FAILURES: '1000000',
  ENTREPOT_CACHE__NOT_FOUND_SECONDS: '0',
  ENTREPOT_CACHE__BACKOFF_SECONDS: '0',
};

const faults: readonly Fault[] = [
  {},
  {},
  { hang: true },
  { reset: true },
  { status: 500 },
  { status: 401, headers: { 'www-authenticate': 'Bearer realm="http://127.0.0.1:1/token"' } },
  { cutAfterBytes: 100 },
  { corruptAt: 5 },
  { shortBy: 7 },
  { bytesPerSecond: 40 },
  { bytesPerSecond: 40, withoutLength: true },
  { delayMs: 50 },
  { redirect: true },
  { headers: { 'content-encoding': 'gzip' } },
  { status: 307, headers: { location: '/v2/' } },
];

/** https://en.wikipedia.org/wiki/Xorshift, so that a run can be had again by its seed. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}

/** Takes connections and says nothing: a TLS handshake with it never ends. */
async function startMute(): Promise<{ readonly url: string; readonly sockets: ReadonlySet<Socket> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => {}).resume());
    socket.on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const address = server.address();
  return { url: `https://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`, sockets };
}

const seed = Number(process.env['TEST_SEED'] ?? 20_261_130);

test(`whatever upstreams do and whenever clients leave, nothing is left behind and nothing breaks (TEST_SEED=${seed})`, async () => {
  const random = randomOf(seed);
  const mute = await startMute();
  await using upstream = await new FakeRegistry().start();
  const digests: string[] = [];
  for (let n = 0; n < images; n += 1) {
    const image = upstream
      .repository(`team/app${n % 4}`)
      .addImage({ tag: `v${n}`, layers: [seededBlob(3000, n)] });
    digests.push(image.layers[0]?.digest ?? '');
  }
  const bugs: string[] = [];
  const error = (fields: object, message: string) => {
    if (message === 'a request failed unexpectedly') bugs.push(JSON.stringify(fields));
  };
  const log: Log = { ...silentLog, error, child: () => log };
  await using app = await TestApp.start({ environment, log, upstreams: [upstream, { url: mute.url }] });
  const statuses = new Map<number, number>();

  const ask = async (): Promise<void> => {
    const n = random(images);
    const name = `virtual_registries/container/1/team/app${n % 4}`;
    const paths = [
      `manifests/v${n}`,
      `manifests/v${n}`,
      `blobs/${digests[n]}`,
      `blobs/${digests[n]}`,
      'tags/list',
      `referrers/${digests[n]}`,
    ];
    const path = `${name}/${paths[random(paths.length)]}`;
    const method = random(3) === 0 ? 'HEAD' : 'GET';
    upstream.fault({}, faults[random(faults.length)] ?? {}, 1);
    const leaving = new AbortController();
    const stays = random(2) === 0;
    const afterMs = random(60);
    if (!stays) setTimeout(() => leaving.abort(), afterMs);
    try {
      const answer = await app.v2(path, { method, signal: leaving.signal });
      statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
      await answer.arrayBuffer();
    } catch {
      // Left, or the answer broke off, as it has to where the bytes do.
    }
  };
  let left = requests;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (left > 0) {
        left -= 1;
        if (left % 50 === 0) app.advance(dayMs);
        await ask();
      }
    }),
  );

  upstream.clearFaults();
  await eventually(() => expect(upstream.requests.filter(({ isOver }) => !isOver)).toEqual([]));
  await eventually(() => expect(mute.sockets.size).toBe(0));
  await eventually(async () => expect(await app.filesUnder('spool')).toEqual([]));
  expect(bugs).toEqual([]);
  expect(statuses.get(500) ?? 0).toBe(0);
  expect(statuses.get(200)).toBeGreaterThan(0);
  // All connections can be used again: more blobs at once than there are. On a busy machine one may come too late, and is asked for again.
  const again = digests.map((digest, n) =>
    eventually(async () => {
      const answer = await app.blob(`team/app${n % 4}`, digest);
      const { byteLength } = await answer.arrayBuffer();
      expect([n, answer.status, byteLength]).toEqual([n, 200, 3000]);
    }),
  );
  await Promise.all(again);
});
