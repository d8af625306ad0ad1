import { expect, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { healBlob } from '../../../src/proxy/heal-blob.ts';
import type { Upstream } from '../../../src/upstreams/upstream.ts';
import { bytesOf, nth, startProxy } from './proxy-kit.ts';

const bytes = Buffer.from('the bytes of a layer');
const digest = digestOf(bytes);

/** Bytes that were pulled, and are lost. */
async function startLost() {
  const kit = await startProxy();
  const { upstream, store, fills, database, blob } = kit;
  upstream.addBlob(bytes);
  await bytesOf(await blob(digest));
  await fills.isStored(digest, 0);
  store.blobs.clear();
  const found = new Map<number, Upstream>([[upstream.settings.id, upstream]]);
  const blobs = database.storedBlobs;
  const heal = (size = bytes.length) =>
    healBlob({ blobs, fills, findUpstream: async (id) => found.get(id) }, digest, size);
  return { ...kit, found, heal };
}

test('lost bytes are fetched again from where they were fetched before', async () => {
  const { heal, store, blob, upstream, fillsEnded, seen } = await startLost();
  expect(await heal()).toBe(true);
  expect([...store.blobs.values()]).toEqual([bytes]);
  expect((await blob(digest)).outcome).toBe('hit');
  expect(upstream.asked).toEqual([`GET blob ${digest} 0-`, `GET blob ${digest} 0-`]);
  expect(fillsEnded).toEqual(['completed', 'completed']);
  // Nobody holds the spool any more.
  expect(seen.spooled).toBe(0);
});

test('lost bytes are looked for where each record of them came from', async () => {
  const { heal, addRegistry, repository, found, fills, upstream, store } = await startLost();
  const other = await addRegistry([{ url: 'https://b.test' }]);
  const theirs = nth(other.upstreams, 0);
  theirs.addBlob(bytes);
  const since = fills.moment;
  await bytesOf(await (await repository(other.id)).blob(digest));
  await fills.isStored(digest, since);
  store.blobs.clear();
  found.set(theirs.settings.id, theirs);
  upstream.blobs.clear();
  expect(await heal()).toBe(true);
  found.delete(upstream.settings.id);
  store.blobs.clear();
  expect(await heal()).toBe(true);
});

test('lost bytes stay lost where their upstream is gone, does not have them, or has others', async () => {
  const { heal, found, upstream } = await startLost();
  upstream.blobs.set(digest, Buffer.from('other bytes'));
  expect(await heal()).toBe(false);
  upstream.blobs.clear();
  expect(await heal()).toBe(false);
  found.clear();
  upstream.asked.length = 0;
  expect(await heal()).toBe(false);
  expect(upstream.asked).toEqual([]);
});

test('bytes that nobody fetched are healed from nowhere', async () => {
  const { heal, database } = await startLost();
  vi.spyOn(database.storedBlobs, 'listFetched').mockResolvedValueOnce([]);
  expect(await heal()).toBe(false);
});

test('bytes are not healed where they cannot be written', async () => {
  const { heal, disk } = await startLost();
  disk.room = -1;
  expect(await heal()).toBe(false);
});

test('bytes of an upstream that does not say their size need room for as many as were lost', async () => {
  const { heal, disk, upstream } = await startLost();
  upstream.saysSizes = false;
  disk.room = 100;
  expect(await heal(101)).toBe(false);
  expect(await heal()).toBe(true);
});

test('a bug is no reason to call bytes lost', async () => {
  const { heal, upstream } = await startLost();
  upstream.fail(new TypeError('a bug'), 'GET blob');
  await expect(heal()).rejects.toThrow('a bug');
});
