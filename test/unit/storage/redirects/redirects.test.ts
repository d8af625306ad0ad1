import { expect, test } from 'vitest';
import { type Digest, digestOf } from '../../../../src/oci/digest.ts';
import { RedirectedReads, type RedirectOptions } from '../../../../src/storage/redirects/redirects.ts';
import { MemoryBlobStore } from '../../../support/memory-blob-store.ts';
import { silentLog } from '../../../support/silent-log.ts';

const bytes = Buffer.from('0123456789');
const digest: Digest = digestOf(bytes);

async function open(changes: Partial<RedirectOptions> = {}) {
  const store = new MemoryBlobStore();
  store.blobs.set('key', bytes);
  const warnings: unknown[] = [];
  const log = { ...silentLog, warn: (...said: unknown[]) => void warnings.push(said) };
  const reads = new RedirectedReads({
    reads: store,
    urls: { urlOf: async (key, expiresAt) => `https://bucket.example/${key}?until=${expiresAt}` },
    minBytes: 0,
    networks: [],
    expiresMs: 60_000,
    log,
    now: () => 1000,
    ...changes,
  });
  return {
    blob: await reads.open('key', bytes.length, digest),
    absent: await reads.open('other', bytes.length, digest),
    warnings,
    store,
  };
}

test('a client is given a URL that is good as long as is set', async () => {
  const { blob, absent } = await open();
  expect(await blob?.urlFor?.('192.0.2.1')).toBe('https://bucket.example/key?until=61000');
  expect(await blob?.urlFor?.(undefined)).toBe('https://bucket.example/key?until=61000');
  expect(absent).toBeUndefined();
});

test('the bytes can be read here as well', async () => {
  const { blob, store } = await open();
  const buffer = Buffer.alloc(4);
  expect(blob?.size).toBe(10);
  expect(await blob?.readAt(buffer, 3)).toBe(4);
  expect(String(buffer)).toBe('3456');
  await blob?.close();
  expect(store.openReaders).toBe(0);
});

test.each([
  [10, true],
  [11, false],
])('of at least %i bytes', async (minBytes, isRedirected) => {
  const { blob } = await open({ minBytes });
  expect((await blob?.urlFor?.('192.0.2.1')) !== undefined).toBe(isRedirected);
});

test.each([
  ['10.1.2.3', true],
  ['10.2.0.0', false],
  ['192.0.2.1', false],
  ['fd00::5', true],
  ['fe80::5', false],
  [undefined, false],
])('where networks are named, %s gets a URL: %s', async (client, isRedirected) => {
  const { blob } = await open({ networks: ['10.1.0.0/16', 'fd00::/8'] });
  expect((await blob?.urlFor?.(client)) !== undefined).toBe(isRedirected);
});

test('where no URL can be made, there is none, and the log says why', async () => {
  const failing = async () => {
    throw new Error('no key');
  };
  const { blob, warnings } = await open({ urls: { urlOf: failing } });
  expect(await blob?.urlFor?.('192.0.2.1')).toBeUndefined();
  expect(JSON.stringify(warnings)).toContain('no URL can be made');
});
