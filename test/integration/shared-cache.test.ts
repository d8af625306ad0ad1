import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { createSharedCache, type SharedCache } from '../../src/cache/shared.ts';
import { ToldBeliefs } from '../../src/cache/told-beliefs.ts';
import { TestApp } from '../support/app.ts';
import { eventually } from '../support/eventually.ts';
import { FakeRegistry } from '../support/fake-registry.ts';
import { silentLog } from '../support/silent-log.ts';
import { TcpProxy } from '../support/tcp-proxy.ts';

/** Accepts connections and says nothing. */
class HangingServer {
  readonly #server = createServer((socket) => void this.#sockets.add(socket));
  readonly #sockets = new Set<Socket>();

  static async start(): Promise<HangingServer> {
    const hanging = new HangingServer();
    hanging.#server.listen(0, '127.0.0.1');
    await once(hanging.#server, 'listening');
    return hanging;
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }
}

const redisUrl = process.env['TEST_REDIS_URL'] || undefined;

function promises(open: () => Promise<SharedCache>): void {
  test('gives back what it was given, until its time is over', async () => {
    const cache = await open();
    const [long, short] = [randomBytes(8).toString('hex'), randomBytes(8).toString('hex')];
    await cache.remember(long, 'yes', 3_600_000);
    await cache.remember(short, 'yes', 100);
    await eventually(async () => expect(await cache.find(short)).toBeUndefined());
    expect(await cache.find(long)).toBe('yes');
  });

  test('does not know what it was not given', async () => {
    const cache = await open();
    expect(await cache.find(randomBytes(8).toString('hex'))).toBeUndefined();
  });
}

function opening(url: string) {
  return async () => {
    const cache = await createSharedCache(url, silentLog);
    onTestFinished(() => cache.close());
    return cache;
  };
}

describe('the shared cache of one process', () =>
  promises(async () => {
    const alone = { records: undefined, hasOthers: () => false };
    const cache = new ToldBeliefs({ ...alone, log: silentLog, now: Date.now });
    onTestFinished(() => cache.close());
    return cache;
  }));

describe.skipIf(!redisUrl)(
  `the shared cache in Redis${redisUrl ? '' : ': TEST_REDIS_URL is not set'}`,
  () => {
    promises(opening(redisUrl ?? ''));

    test('keeps what an upstream said beyond the process that heard it', async () => {
      await using upstream = await new FakeRegistry().start();
      const environment = { ENTREPOT_SHARED_CACHE__URL: redisUrl ?? '' };
      await using one = await TestApp.start({ upstreams: [upstream], environment });
      const image = `team/${randomBytes(8).toString('hex')}`;
      expect((await one.manifest(image, 'v1')).status).toBe(404);
      const asked = upstream.count();
      await one.stop();
      await one.resume();
      expect((await one.manifest(image, 'v1')).status).toBe(404);
      expect(upstream.count()).toBe(asked);
    });
  },
);

/** What is said of the cache. */
function listening() {
  const said: [string, object][] = [];
  const note = (fields: object, message: string) => void said.push([message, fields]);
  return { said, log: { ...silentLog, warn: note, info: note } };
}

test('a shared cache that is away at the start is said once to be away, with its address and without its password', async () => {
  const { said, log } = listening();
  const cache = await createSharedCache('redis://me:hunter2@127.0.0.1:1', log);
  onTestFinished(() => cache.close());
  for (let asked = 0; asked < 10; asked += 1) expect(await cache.find('key')).toBeUndefined();
  await expect(cache.check()).rejects.toThrow('the shared cache cannot be reached');
  expect(said).toEqual([
    [expect.stringContaining('away'), expect.objectContaining({ address: '127.0.0.1:1' })],
  ]);
  expect(JSON.stringify(said) + inspect(said, { depth: 10 })).not.toContain('hunter2');
});

test.skipIf(!redisUrl)('a shared cache that was away is used again, which is said once', async () => {
  const { proxy, url } = await TcpProxy.before(redisUrl ?? '', 6379);
  onTestFinished(() => proxy[Symbol.asyncDispose]());
  proxy.refuse();
  const { said, log } = listening();
  const cache = await createSharedCache(url, log);
  onTestFinished(() => cache.close());
  proxy.accept();
  await eventually(() => expect(said).toHaveLength(2));
  expect(said[1]?.[0]).toContain('back');
  const key = randomBytes(8).toString('hex');
  await cache.remember(key, 'yes', 60_000);
  expect(await cache.find(key)).toBe('yes');
  proxy.cut();
  await eventually(() => expect(said).toHaveLength(4));
  // What was asked at that moment is left alone for a while.
  await eventually(async () => expect(await cache.find(key)).toBe('yes'));
});

test('a shared cache that cannot be reached is done without', async () => {
  await using upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1' });
  const environment = { ENTREPOT_SHARED_CACHE__URL: 'redis://127.0.0.1:1' };
  await using app = await TestApp.start({ upstreams: [upstream], environment });
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
  expect((await app.manifest('team/app', 'v2')).status).toBe(404);
});

test('a shared cache that hangs does not hold up a pull', async () => {
  await using hanging = await HangingServer.start();
  await using upstream = await new FakeRegistry().start();
  upstream.repository('team/app').addImage({ tag: 'v1' });
  const environment = { ENTREPOT_SHARED_CACHE__URL: `redis://127.0.0.1:${hanging.port}` };
  await using app = await TestApp.start({ upstreams: [upstream], environment });
  expect((await app.manifest('team/app', 'v1')).status).toBe(200);
});

/** Whether what one of three was told of an image that is not there is known to the others. */
async function isShared(apps: readonly TestApp[], upstream: FakeRegistry): Promise<boolean> {
  const image = `team/${randomBytes(8).toString('hex')}`;
  const ask = async (app: TestApp | undefined) => (await app?.manifest(image, 'v1'))?.status;
  expect(await ask(apps[0])).toBe(404);
  const asked = upstream.count();
  expect([await ask(apps[1]), await ask(apps[2])]).toEqual([404, 404]);
  return upstream.count() === asked;
}

async function startThree(upstream: FakeRegistry, environment: Readonly<Record<string, string>>) {
  const areWorkers = true;
  const one = await TestApp.start({ upstreams: [upstream], environment, areWorkers });
  onTestFinished(() => one.close());
  const others = [await one.startAnother(), await one.startAnother()];
  for (const other of others) onTestFinished(() => other.stop());
  return [one, ...others] as const;
}

test.skipIf(!redisUrl)(
  'what three processes believe is shared through Redis, which may go and come back at any moment',
  async () => {
    const { proxy, url } = await TcpProxy.before(redisUrl ?? '', 6379);
    onTestFinished(() => proxy[Symbol.asyncDispose]());
    const upstream = await new FakeRegistry().start();
    onTestFinished(() => upstream.stop());
    upstream.repository('team/app').addImage({ tag: 'v1' });
    const apps = await startThree(upstream, { ENTREPOT_SHARED_CACHE__URL: url });
    expect(await isShared(apps, upstream)).toBe(true);
    proxy.refuse();
    proxy.cut();
    for (const app of apps) expect((await app.manifest('team/app', 'v1')).status).toBe(200);
    expect(await isShared(apps, upstream)).toBe(false);
    proxy.accept();
    await eventually(async () => expect(await isShared(apps, upstream)).toBe(true));
  },
);

test('what three processes believe is shared through their records where there is no Redis, a little later', async () => {
  const upstream = await new FakeRegistry().start();
  onTestFinished(() => upstream.stop());
  const apps = await startThree(upstream, {});
  const image = `team/${randomBytes(8).toString('hex')}`;
  await eventually(async () => {
    const reference = `v${randomBytes(4).toString('hex')}`;
    expect((await apps[0].manifest(image, reference)).status).toBe(404);
    const asked = upstream.count();
    await sleep(5000);
    for (const app of apps) expect((await app.manifest(image, reference)).status).toBe(404);
    expect(upstream.count()).toBe(asked);
  });
});
