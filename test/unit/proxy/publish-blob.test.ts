import { describe, expect, test, vi } from 'vitest';
import { MissingContent, MissingOwner } from '../../../src/metadata/db/violations.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { createPublishBlob, type Room } from '../../../src/proxy/publish-blob.ts';
import { SpoolError } from '../../../src/storage/blob-store.ts';
import { MemorySpool } from '../../support/memory-spool.ts';
import { silentLog } from '../../support/silent-log.ts';
import { nth, startProxy } from './proxy-kit.ts';

const bytes = Buffer.from('the bytes of a layer');
const digest = digestOf(bytes);
const blob = { digest, size: bytes.length };

/** Verified bytes in a spool, of an upstream of each of so many groups. */
async function setUp(groups = 1) {
  const kit = await startProxy();
  const { database, store, clock } = kit;
  const sources = [kit.sourceAt(kit.upstream)];
  for (let more = 1; more < groups; more += 1) {
    const { groupId, upstreams } = await kit.addRegistry([{}]);
    sources.push(kit.sourceAt(nth(upstreams, 0), groupId));
  }
  const refused = new Set<number>();
  const asked: { readonly groupIds: readonly number[]; readonly size: number }[] = [];
  let released = 0;
  const room: Pick<Room, 'admit'> = {
    async admit(groupIds, size) {
      asked.push({ groupIds: [...groupIds], size });
      const release = async () => {
        released += 1;
      };
      return { refused, release };
    },
  };
  const errors: string[] = [];
  const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) };
  const { blobs, cacheEntries: entries } = database;
  const publish = createPublishBlob({ store, blobs, entries, room, log, now: () => clock.now });
  const newSpool = async () => {
    const spool = await store.createSpool();
    await spool.append(bytes);
    return spool;
  };
  const linked = async () => {
    const found = await Promise.all(sources.map(({ upstream }) => kit.entryOf(upstream as never, digest)));
    return found.map((entry) => entry !== undefined);
  };
  return { ...kit, sources, refused, asked, released: () => released, errors, publish, newSpool, linked };
}

describe('a verified blob', () => {
  test('of no source, which another process keeps, is neither kept nor missed room', async () => {
    const { publish, newSpool, store, asked } = await setUp();
    const spool = await newSpool();
    const abort = vi.spyOn(spool, 'abort');
    await publish(blob, spool, []);
    expect(asked).toEqual([]);
    expect(store.blobs.size).toBe(0);
    expect(abort).toHaveBeenCalledOnce();
  });

  test('is kept under a new key, recorded, and linked for each source', async () => {
    const {
      publish,
      newSpool,
      sources,
      store,
      database,
      clock,
      linked,
      entryOf,
      groupId,
      upstream,
      asked,
      released,
    } = await setUp(2);
    await publish(blob, await newSpool(), sources);
    const [key] = store.blobs.keys();
    expect(store.blobs.get(key ?? '')).toEqual(bytes);
    expect(await database.blobs.find(digest)).toEqual({ ...blob, storageKey: key, createdAt: clock.now });
    expect(await linked()).toEqual([true, true]);
    expect(await entryOf(upstream, digest)).toMatchObject({
      groupId,
      size: blob.size,
      mediaType: 'application/octet-stream',
      checkedAt: clock.now,
    });
    expect(asked).toEqual([{ groupIds: sources.map((source) => source.groupId), size: blob.size }]);
    expect(released()).toBe(1);
  });

  test('is linked for a source that joins while others are linked', async () => {
    const { publish, newSpool, sources, linked, database } = await setUp(2);
    const [first, second] = [nth(sources, 0), nth(sources, 1)];
    const growing = [first];
    const { linkBlob } = database.cacheEntries;
    vi.spyOn(database.cacheEntries, 'linkBlob').mockImplementationOnce(async (...given) => {
      growing.push(second);
      return linkBlob.apply(database.cacheEntries, given);
    });
    await publish(blob, await newSpool(), growing);
    expect(await linked()).toEqual([true, true]);
  });

  test('that is here already is linked to the copy that is here', async () => {
    const { publish, newSpool, sources, store, linked } = await setUp(2);
    await publish(blob, await newSpool(), [nth(sources, 0)]);
    const spool = new MemorySpool();
    await spool.append(bytes);
    await publish(blob, spool, [nth(sources, 1)]);
    expect(store.blobs.size).toBe(1);
    expect(spool.state).toBe('aborted');
    expect(await linked()).toEqual([true, true]);
  });

  test('is not linked where there is no room, and not kept where there is room nowhere', async () => {
    const { publish, newSpool, sources, store, linked, refused, released } = await setUp(2);
    refused.add(nth(sources, 0).groupId).add(nth(sources, 1).groupId);
    const spool = new MemorySpool();
    await publish(blob, spool, sources);
    expect(spool.state).toBe('aborted');
    expect(store.blobs.size).toBe(0);
    refused.delete(nth(sources, 1).groupId);
    await publish(blob, await newSpool(), sources);
    expect(await linked()).toEqual([false, true]);
    expect(released()).toBe(2);
  });

  test('is linked for the others where the upstream of one is gone, and not kept where all are', async () => {
    const { publish, newSpool, sources, store, database, linked, errors } = await setUp(2);
    const linking = vi
      .spyOn(database.cacheEntries, 'linkBlob')
      .mockRejectedValueOnce(new MissingOwner(undefined));
    await publish(blob, await newSpool(), sources);
    expect(await linked()).toEqual([false, true]);
    expect(errors).toHaveLength(1);

    const other = await setUp(1);
    vi.spyOn(other.database.cacheEntries, 'linkBlob').mockRejectedValueOnce(new MissingOwner(undefined));
    await other.publish(blob, await other.newSpool(), other.sources);
    expect(other.store.blobs.size).toBe(0);

    // One that was here before stays where it is.
    linking.mockRejectedValue(new MissingOwner(undefined));
    await publish(blob, await newSpool(), sources);
    expect(store.blobs.size).toBe(1);
  });

  test('is kept anew where the copy that was here is collected before it is linked', async () => {
    const { publish, newSpool, sources, store, database, linked, entryOf, upstream } = await setUp();
    await publish(blob, await newSpool(), sources);
    await database.cacheEntries.remove((await entryOf(upstream, digest))?.id ?? 0);
    vi.spyOn(database.cacheEntries, 'linkBlob').mockImplementationOnce(async () => {
      const record = await database.blobs.find(digest);
      await database.blobs.remove(digest, record?.storageKey ?? '');
      store.blobs.clear();
      throw new MissingContent();
    });
    await publish(blob, await newSpool(), sources);
    expect(await linked()).toEqual([true]);
    expect([...store.blobs.keys()]).toEqual([(await database.blobs.find(digest))?.storageKey]);
  });

  test('that is collected each time is given up, tells so, and leaves nothing', async () => {
    const { publish, sources, newSpool, database, errors, released } = await setUp();
    await publish(blob, await newSpool(), sources);
    const linking = vi.spyOn(database.cacheEntries, 'linkBlob').mockRejectedValue(new MissingContent());
    const spool = new MemorySpool();
    await spool.append(bytes);
    await publish(blob, spool, sources);
    expect(linking).toHaveBeenCalledTimes(5);
    expect(spool.state).toBe('aborted');
    expect(errors).toHaveLength(1);
    expect(released()).toBe(2);
  });

  test('that was just kept and cannot be linked for want of a record is a failure', async () => {
    const { publish, sources, newSpool, database, released } = await setUp();
    vi.spyOn(database.cacheEntries, 'linkBlob').mockRejectedValueOnce(new MissingContent());
    await expect(publish(blob, await newSpool(), sources)).rejects.toThrow(MissingContent);
    expect(released()).toBe(1);
  });

  test('whose record and bytes are collected after the first link is not recorded again for the next', async () => {
    const { publish, sources, newSpool, database, store, errors, linked, entryOf, upstream } = await setUp(2);
    const { linkBlob } = database.cacheEntries;
    vi.spyOn(database.cacheEntries, 'linkBlob').mockImplementationOnce(async (...given) => {
      const entry = await linkBlob.apply(database.cacheEntries, given);
      await database.cacheEntries.remove((await entryOf(upstream, digest))?.id ?? 0);
      await database.blobs.remove(digest, nth([...store.blobs.keys()], 0));
      store.blobs.clear();
      return entry;
    });
    await publish(blob, await newSpool(), sources);
    expect(await linked()).toEqual([false, false]);
    expect(await database.blobs.find(digest)).toBeUndefined();
    expect(errors).toHaveLength(1);
  });

  test('that cannot be written is a failure, and room is given back', async () => {
    const { publish, sources, newSpool, released } = await setUp();
    const spool = await newSpool();
    spool.commit = () => Promise.reject(new SpoolError('no space left on device'));
    await expect(publish(blob, spool, sources)).rejects.toThrow(SpoolError);
    expect(released()).toBe(1);
  });
});
