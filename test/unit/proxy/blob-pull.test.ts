import { describe, expect, test, vi } from 'vitest';
import { MissingOwner } from '../../../src/metadata/db/violations.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { parseManifest } from '../../../src/oci/manifest.ts';
import { OutboundError } from '../../../src/outbound/outbound-error.ts';
import { bytesBlob, fakeImage } from '../../support/fake-content.ts';
import { bytesOf, image as nameOfImage, nth, type ProxyKit, settled, startProxy } from './proxy-kit.ts';

const layer = bytesBlob('the bytes of a layer');
const image = fakeImage({ layers: [layer] });
const { digest, size } = layer;
const bytes = Buffer.concat([...layer.read(0, size)]);

/** Reads all, and waits until nothing is filled any more. */
async function pull({ blob, fills }: ProxyKit, of = digest) {
  const since = fills.moment;
  const answer = await blob(of);
  const body = await bytesOf(answer);
  await fills.isStored(of, since);
  return { outcome: answer.outcome, size: answer.size, body };
}

describe('a blob', () => {
  test('that is not here is downloaded once, recorded, and here from then on', async () => {
    const kit = await startProxy();
    const { upstream, entryOf, database, downloads, groupId, clock } = kit;
    upstream.addBlob(bytes);
    expect(await pull(kit)).toEqual({ outcome: 'miss', size, body: bytes });
    expect(await pull(kit)).toEqual({ outcome: 'hit', size, body: bytes });
    expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    expect(await entryOf(upstream, digest)).toMatchObject({
      groupId,
      digest,
      size,
      mediaType: 'application/octet-stream',
      checkedAt: clock.now,
    });
    expect(await database.blobs.find(digest)).toMatchObject({ size });
    expect(await downloads(upstream, digest)).toBe(1);
    expect(upstream.openBodies).toBe(0);
  });

  test('is read in parts, from the network and from here', async () => {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    expect(await bytesOf(await kit.blob(digest), 4, 9)).toEqual(bytes.subarray(4, 9));
    await kit.fills.isStored(digest, 0);
    expect(await bytesOf(await kit.blob(digest), 4, 9)).toEqual(bytes.subarray(4, 9));
    expect(await bytesOf(await kit.blob(digest), 4)).toEqual(bytes.subarray(4));
    expect(kit.upstream.asked).toHaveLength(1);
  });

  test('is asked first of the upstream whose manifest refers to it, which says its size', async () => {
    const kit = await startProxy({ upstreams: [{}, {}] });
    const [first, second] = [nth(kit.upstreams, 0), nth(kit.upstreams, 1)];
    first.addBlob(bytes);
    second.add(image, 'v1');
    second.saysSizes = false;
    await kit.manifest('v1');
    first.asked.length = 0;
    expect(await kit.stat(digest)).toEqual({ digest, size, outcome: 'miss' });
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', size });
    expect(first.asked).toEqual([]);
    expect(second.asked.slice(-2)).toEqual([`HEAD blob ${digest}`, `GET blob ${digest} 0-`]);
  });

  test('comes from the next upstream where the one whose manifest refers to it does not have it', async () => {
    const kit = await startProxy({ upstreams: [{}, {}] });
    nth(kit.upstreams, 1).add(image, 'v1');
    await kit.manifest('v1');
    nth(kit.upstreams, 1).blobs.clear();
    nth(kit.upstreams, 0).addBlob(bytes);
    expect(await kit.stat(digest)).toMatchObject({ outcome: 'miss' });
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', body: bytes });
  });

  test('that many pull at once is downloaded once', async () => {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    const letGo = kit.upstream.hold('GET blob');
    const pulling = Promise.all([1, 2, 3].map(() => pull(kit)));
    await settled();
    letGo();
    const pulled = await pulling;
    expect(pulled.map(({ outcome }) => outcome)).toEqual(['miss', 'collapsed', 'collapsed']);
    for (const { body } of pulled) expect(body).toEqual(bytes);
    expect(kit.upstream.asked).toHaveLength(1);
  });

  test('that nobody has is unknown, in the words of each, whom GET is asked before HEAD is believed', async () => {
    const { blob, stat, upstreams, record } = await startProxy({ upstreams: [{}, {}] });
    const manifest = parseManifest(image.payload, undefined);
    for (const upstream of upstreams) await record(upstream, image, 'v1', manifest.references);
    const refused = { code: 'BLOB_UNKNOWN', detail: expect.stringMatching(/sha256.*upstream 1.*upstream 2/) };
    await expect(blob(digest)).rejects.toMatchObject(refused);
    for (const { asked } of upstreams) expect(asked.splice(0)).toEqual([`GET blob ${digest} 0-`]);
    await expect(stat(digest)).rejects.toMatchObject(refused);
    for (const { asked } of upstreams)
      expect(asked).toEqual([`HEAD blob ${digest}`, `GET blob ${digest} 0-`]);
  });

  test('that HEAD denies is there where GET says so, of which no more is read', async () => {
    const { stat, upstreams } = await startProxy({ upstreams: [{}, {}] });
    const second = nth(upstreams, 1);
    second.addBlob(bytes);
    for (const kind of ['not-found', 'unauthorized', 'invalid', 'unavailable'] as const) {
      second.fail(kind, 'HEAD blob');
      expect(await stat(digest)).toMatchObject({ size: bytes.length, outcome: 'miss' });
    }
    expect(second.openBodies).toBe(0);
  });

  test('of an upstream that limits us or is not reached is not asked for by GET after HEAD', async () => {
    const { stat, upstream } = await startProxy();
    upstream.addBlob(bytes);
    for (const error of [
      new OutboundError('rate-limited', 'limits our rate'),
      new OutboundError('unavailable', 'refused the connection', { unreachable: true }),
      new OutboundError('unavailable', 'was not asked', { busy: true }),
    ]) {
      upstream.asked.length = 0;
      upstream.fail(error, 'HEAD blob');
      await expect(stat(digest)).rejects.toThrow();
      expect(upstream.asked).toEqual([`HEAD blob ${digest}`]);
    }
  });

  test.each(['GET blob', 'HEAD blob'] as const)('fails with a bug (%s)', async (question) => {
    const { upstream, blob, stat } = await startProxy();
    upstream.fail(new TypeError('a bug'), question);
    await expect(question === 'GET blob' ? blob(digest) : stat(digest)).rejects.toThrow('a bug');
  });

  test('is not fetched for who has left already', async () => {
    const { upstream, blob, fills, database } = await startProxy();
    upstream.addBlob(bytes);
    await expect(blob(digest, AbortSignal.abort(new Error('left')))).rejects.toThrow('left');
    await fills.isStored(digest, 0);
    expect(upstream.asked).toEqual([]);
    expect(await database.blobs.find(digest)).toBeUndefined();
  });

  test.each(['blob', 'stat'] as const)(
    'is here where it was stored while it was looked for (%s)',
    async (ask) => {
      const kit = await startProxy();
      const { upstream, database, blob, stat } = kit;
      upstream.addBlob(bytes);
      const looking = vi.spyOn(database.blobs, 'find').mockImplementationOnce(async () => {
        looking.mockRestore();
        await pull(kit);
        return undefined;
      });
      if (ask === 'stat') expect(await stat(digest)).toMatchObject({ outcome: 'hit' });
      else expect(await bytesOf(await blob(digest))).toEqual(bytes);
      expect(upstream.asked).toHaveLength(1);
    },
  );
});

describe('looking at a blob', () => {
  test('that is not here asks one HEAD, and fetches nothing', async () => {
    const { upstream, stat, database } = await startProxy();
    upstream.addBlob(bytes);
    expect(await stat(digest)).toEqual({ digest, size, outcome: 'miss' });
    expect(upstream.asked).toEqual([`HEAD blob ${digest}`]);
    expect(await database.blobs.find(digest)).toBeUndefined();
  });

  test('that is here asks nobody, counts nothing, and keeps nothing open', async () => {
    const kit = await startProxy();
    const { upstream, stat, downloads, store } = kit;
    upstream.addBlob(bytes);
    await pull(kit);
    expect(store.openReaders).toBe(0);
    expect(await stat(digest)).toEqual({ digest, size, outcome: 'hit' });
    expect(store.openReaders).toBe(0);
    expect(upstream.asked).toHaveLength(1);
    expect(await downloads(upstream, digest)).toBe(0);
  });

  test('that is being filled tells what is known of it', async () => {
    const { upstream, stat, blob } = await startProxy();
    upstream.addBlob(bytes);
    const { promise, resolve } = Promise.withResolvers<void>();
    upstream.bodies.push(async function* () {
      await promise;
      yield bytes;
    });
    const filling = await blob(digest);
    expect(await stat(digest)).toEqual({ digest, size, outcome: 'collapsed' });
    expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    resolve();
    await bytesOf(filling);
  });
});

describe('bytes that are here without a link', () => {
  /** The bytes are here from another group's registry, whose upstream has this URL. */
  async function startWithBytes(url: string) {
    const kit = await startProxy({ upstreams: [{ url: 'https://a.test' }] });
    const other = await kit.addRegistry([{ url }]);
    const theirs = nth(other.upstreams, 0);
    theirs.addBlob(bytes);
    await bytesOf(await (await kit.repository(other.id)).blob(digest));
    await kit.fills.isStored(digest, 0);
    return { ...kit, kit, theirs };
  }

  test('are linked once an upstream of the same origin says by HEAD that it has them', async () => {
    const { kit, upstream, entryOf, groupId, grown, stat, clock } =
      await startWithBytes('https://a.test/of-others');
    upstream.addBlob(bytes);
    clock.now += 1000;
    expect(await pull(kit)).toEqual({ outcome: 'revalidated', size, body: bytes });
    expect(upstream.asked).toEqual([`HEAD blob ${digest}`]);
    expect(await entryOf(upstream, digest)).toMatchObject({
      groupId,
      digest,
      size,
      mediaType: 'application/octet-stream',
      checkedAt: clock.now,
    });
    expect(grown).toEqual([groupId]);
    expect((await stat(digest)).outcome).toBe('hit');
    expect(upstream.asked).toHaveLength(1);
  });

  test.each(['not-found', 'unavailable'] as const)(
    'are not given to who cannot prove that they may have them (%s)',
    async (kind) => {
      const { blob, upstream, grown, entryOf } = await startWithBytes('https://a.test');
      upstream.fail(kind, 'HEAD blob', 'GET blob');
      await expect(blob(digest)).rejects.toThrow();
      expect(await entryOf(upstream, digest)).toBeUndefined();
      expect(grown).toEqual([]);
    },
  );

  test('of another origin are downloaded, as its word proves nothing here', async () => {
    const { kit, upstream, theirs } = await startWithBytes('https://b.test');
    upstream.addBlob(bytes);
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', body: bytes });
    expect(upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    expect(theirs.asked).toHaveLength(1);
  });

  test('are downloaded where they are collected while an upstream is asked', async () => {
    const { kit, upstream, database } = await startWithBytes('https://a.test');
    upstream.addBlob(bytes);
    vi.spyOn(database.cacheEntries, 'linkBlob').mockRejectedValueOnce(new MissingOwner(undefined));
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', body: bytes });
    expect(kit.grown).toEqual([]);
  });

  test('are no reason to hide a fault of the records', async () => {
    const { blob, upstream, database } = await startWithBytes('https://a.test');
    upstream.addBlob(bytes);
    vi.spyOn(database.cacheEntries, 'linkBlob').mockRejectedValueOnce(new Error('disk I/O error'));
    await expect(blob(digest)).rejects.toThrow('disk I/O error');
  });

  test.each(['blob', 'stat'] as const)('are asked for no longer by who leaves (%s)', async (ask) => {
    const { [ask]: pull, upstream, entryOf } = await startWithBytes('https://a.test');
    upstream.addBlob(bytes);
    upstream.hold('HEAD blob');
    const leaving = new AbortController();
    const pulled = pull(digest, leaving.signal);
    await settled();
    leaving.abort(new Error('left'));
    await expect(pulled).rejects.toThrow('left');
    expect(upstream.asked).toEqual([`HEAD blob ${digest}`]);
    expect(await entryOf(upstream, digest)).toBeUndefined();
  });
});

describe('bytes of a recorded blob', () => {
  async function startStored() {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    await pull(kit);
    return kit;
  }

  test('are read from another copy where the record was switched to that meanwhile', async () => {
    const kit = await startStored();
    const { store, database, upstream } = kit;
    const record = await database.blobs.find(digest);
    if (!record) throw new Error('no record');
    store.blobs.set('another copy', bytes);
    store.blobs.delete(record.storageKey);
    vi.spyOn(database.blobs, 'find').mockImplementationOnce(async () => {
      await database.blobs.replaceCopy({ ...record, storageKey: 'another copy' }, record.storageKey);
      return record;
    });
    expect(await pull(kit)).toEqual({ outcome: 'hit', size, body: bytes });
    expect(upstream.asked).toHaveLength(1);
    expect(kit.errors).toEqual([]);
  });

  test('that are lost are told, and fetched again', async () => {
    const kit = await startStored();
    kit.store.blobs.clear();
    const opened = vi.spyOn(kit.store, 'open');
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', body: bytes });
    expect(kit.errors).toHaveLength(1);
    // Once to serve it, and once to see whether what was fetched has to be kept: what was not there is not tried again.
    expect(opened).toHaveBeenCalledTimes(2);
    expect(await pull(kit)).toMatchObject({ outcome: 'hit', body: bytes });
  });

  test('that were collected meanwhile are fetched again, which is no error', async () => {
    const kit = await startStored();
    const { store, database } = kit;
    const record = await database.blobs.find(digest);
    store.blobs.clear();
    vi.spyOn(database.blobs, 'find').mockResolvedValueOnce(record).mockResolvedValueOnce(undefined);
    expect(await pull(kit)).toMatchObject({ outcome: 'miss', body: bytes });
    expect(kit.errors).toEqual([]);
  });
});

describe('where nothing can be written', () => {
  test('a blob is passed on to each client, and its size is asked for where nobody says it', async () => {
    const kit = await startProxy();
    kit.disk.room = -1;
    kit.upstream.addBlob(bytes);
    expect(await pull(kit)).toEqual({ outcome: 'miss', size, body: bytes });
    expect(kit.upstream.asked).toEqual([`HEAD blob ${digest}`, `GET blob ${digest} 0-`]);
    expect(await kit.database.blobs.find(digest)).toBeUndefined();
    await expect(kit.blob(digestOf(Buffer.from('none')))).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
  });

  test('a blob whose size a manifest says is not asked for twice', async () => {
    const kit = await startProxy();
    kit.upstream.add(image, 'v1');
    await kit.manifest('v1');
    kit.disk.room = -1;
    kit.upstream.asked.length = 0;
    expect(await pull(kit)).toEqual({ outcome: 'miss', size, body: bytes });
    expect(kit.upstream.asked).toEqual([`GET blob ${digest} 0-`]);
  });

  test('a blob that does not fit is passed on, and nothing of it stays open', async () => {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    kit.disk.room = size - 1;
    expect(await pull(kit)).toEqual({ outcome: 'miss', size, body: bytes });
    expect(kit.fillsEnded).toEqual(['uncached']);
    expect(kit.upstream.openBodies).toBe(0);
    kit.disk.room = size;
    expect(await pull(kit)).toMatchObject({ outcome: 'miss' });
    expect(kit.fillsEnded).toEqual(['uncached', 'completed']);
  });
});

describe('a blob that is to be here before anybody asks for it', () => {
  const keep = async ({ registries }: ProxyKit, registryId = 1) => {
    const repository = await registries.findWarmable(registryId, nameOfImage);
    if (!repository) throw new Error('no such virtual registry');
    const { blob, fetchedBytes } = await repository.keepBlob(digest);
    const body = await bytesOf(blob);
    return { fetchedBytes, body };
  };

  test('is downloaded once, counts as no download, and is here once that is said', async () => {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    expect(await keep(kit)).toEqual({ fetchedBytes: size, body: bytes });
    expect(await kit.database.blobs.find(digest)).toMatchObject({ size });
    expect(await keep(kit)).toEqual({ fetchedBytes: 0, body: bytes });
    expect(kit.upstream.asked).toEqual([`GET blob ${digest} 0-`]);
    expect(await kit.downloads(kit.upstream, digest)).toBe(0);
    expect(kit.counted).toEqual([]);
    expect((await pull(kit)).outcome).toBe('hit');
  });

  test('shares the download of a client that pulls it, whose bytes it does not count', async () => {
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    const pulled = await kit.blob(digest);
    expect(await keep(kit)).toEqual({ fetchedBytes: 0, body: bytes });
    expect(await bytesOf(pulled)).toEqual(bytes);
    expect(kit.upstream.asked).toHaveLength(1);
  });

  test('is refused where the cache or the disk has no room, and nothing of it stays open', async () => {
    const full = await startProxy({
      room: { admit: async (groupIds) => ({ refused: groupIds, release: async () => undefined }) },
    });
    full.upstream.addBlob(bytes);
    await expect(keep(full)).rejects.toThrow('the cache is full');
    expect(full.upstream.asked).toHaveLength(1);
    const kit = await startProxy();
    kit.upstream.addBlob(bytes);
    kit.disk.room = size - 1;
    await expect(keep(kit)).rejects.toThrow('nothing can be written');
    for (const { upstream, store, seen } of [full, kit])
      expect([upstream.openBodies, store.openReaders, seen.spooled]).toEqual([0, 0, 0]);
  });

  test('is unknown where nobody has it, and in a virtual registry that is not there', async () => {
    const kit = await startProxy();
    await expect(keep(kit)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    expect(await kit.registries.findWarmable(2, nameOfImage)).toBeUndefined();
  });
});
