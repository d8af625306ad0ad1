/** Clients that are sent to a bucket for blobs, and what its server says to them. */
import { join } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import type { BlobAnswer } from '../../src/oci/repository.ts';
import { BufferBudget } from '../../src/storage/chunk-reader.ts';
import { unlimitedSpace } from '../../src/storage/disk-space.ts';
import { ObjectUrls } from '../../src/storage/objects/object-urls.ts';
import { ReadCache } from '../../src/storage/read-cache/read-cache.ts';
import { RedirectedReads } from '../../src/storage/redirects/redirects.ts';
import { openS3 } from '../../src/storage/s3/s3-storage.ts';
import { storedBlob } from '../../src/storage/stored-blob.ts';
import { openSqlite } from '../support/databases.ts';
import { seededBytes } from '../support/fake-content.ts';
import { openObjectStores } from '../support/object-stores.ts';
import { createBucket, s3SettingsOf } from '../support/s3-bucket.ts';
import { silentLog } from '../support/silent-log.ts';
import { holdStorageServer } from '../support/storage-servers/held-server.ts';
import { whyMissing } from '../support/storage-servers/servers.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { bearer, RegistryServer, repositoryName } from '../unit/api/registry/registry-server.ts';

const why = whyMissing('versitygw');
if (why !== undefined) console.log(why);

const bytes = seededBytes(3_000_000, 1);
const digest = digestOf(bytes);
const path = `blobs/${digest}`;

describe.skipIf(why !== undefined)('clients of a bucket', () => {
  const server = holdStorageServer('versitygw');
  beforeAll(() => createBucket(server().endpoint));

  /** A bucket with the blob, as a process has it. */
  async function prepare() {
    const directory = await temporaryDirectory();
    const settings = s3SettingsOf(server().endpoint);
    const storage = await openS3(settings);
    const { objectWrites } = await openSqlite(Date.now);
    const { store, close } = await openObjectStores({ connect: async () => storage }, objectWrites);
    const spool = await store.createSpool();
    await spool.append(bytes);
    const key = await spool.commit(digest);
    await spool.close();
    const { rootDirectory = '' } = settings;
    const urls = new ObjectUrls(new Map([['bucket', { storage, rootDirectory }]]), Date.now);
    const from: string[] = [];
    const cache = new ReadCache({
      store,
      isFar: (each) => urls.has(each),
      directory: join(directory, 'read-cache'),
      maxBytes: 100_000_000,
      space: unlimitedSpace,
      observer: { opened: (where) => from.push(where) },
      log: silentLog,
      now: Date.now,
    });
    onTestFinished(async () => {
      await cache.close();
      await close();
    });
    return { cache, urls, key, from };
  }

  /** A registry whose only blob is in the bucket. */
  function start({ cache, urls, key }: Awaited<ReturnType<typeof prepare>>, expiresMs: number) {
    const options = { urls, minBytes: 0, networks: [], expiresMs, log: silentLog, now: Date.now };
    const reads = new RedirectedReads({ ...options, reads: cache });
    return RegistryServer.start({
      async blob(asked): Promise<BlobAnswer> {
        const reader = await reads.open(key, undefined, asked);
        if (!reader) throw new Error('absent');
        const memory = { keepBytes: () => undefined };
        const lookElsewhere = () => expect.fail('its bytes are there');
        return storedBlob(asked, 'hosted', reader, { buffers: new BufferBudget(), memory, lookElsewhere });
      },
      statBlob: async () => ({ digest, size: bytes.length, outcome: 'hosted' }),
    });
  }

  /** As a client that follows redirects, whose credentials are for the registry alone. */
  const get = (registry: RegistryServer, headers: Record<string, string> = {}) =>
    fetch(`${registry.url}/v2/${repositoryName}/${path}`, {
      headers: { authorization: bearer, ...headers },
    });

  test('get all bytes, and parts of them, from the bucket', async () => {
    await using registry = await start(await prepare(), 60_000);
    const whole = await get(registry);
    expect([whole.status, new URL(whole.url).origin]).toEqual([200, server().endpoint]);
    expect(whole.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
    const part = await get(registry, { range: 'bytes=1000000-' });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, 'bytes 1000000-2999999/3000000']);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000))).toBe(true);
  });

  test('are answered to HEAD by the registry: the bucket refuses it for a URL of GET', async () => {
    await using registry = await start(await prepare(), 60_000);
    const location = (await registry.get(path)).headers.location ?? '';
    expect((await fetch(location, { method: 'HEAD' })).status).toBe(403);
    expect((await registry.head(path)).status).toBe(200);
  });

  test('are refused by a URL that has expired, and get another one where they come back', async () => {
    const place = await prepare();
    await using registry = await start(place, 1);
    const location = (await registry.get(path)).headers.location ?? '';
    const gone = async () => (await fetch(location, { headers: { range: 'bytes=0-0' } })).status;
    await expect.poll(gone, { timeout: 60_000 }).toBe(403);
    await using later = await start(place, 60_000);
    const rest = await get(later, { range: 'bytes=2000000-' });
    expect(Buffer.from(await rest.arrayBuffer()).equals(bytes.subarray(2_000_000))).toBe(true);
  });

  test('who are not redirected are sent what the read cache has', async () => {
    const place = await prepare();
    await using registry = await start(place, 60_000);
    const asOne = { range: 'bytes=0-', 'if-range': `"${digest}"` };
    for (const where of ['store', 'cache']) {
      place.from.length = 0;
      const answer = await get(registry, asOne);
      expect([answer.status, new URL(answer.url).origin]).toEqual([206, registry.url]);
      expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
      expect(place.from).toEqual([where]);
      await place.cache.close();
    }
  });
});
