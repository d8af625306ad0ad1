import { expect, test } from 'vitest';
import type { Database } from '../../src/metadata/db/database.ts';
import { MissingOwner } from '../../src/metadata/db/violations.ts';
import type { Digest } from '../../src/oci/digest.ts';
import { ociIndex, ociManifest } from '../../src/oci/media-types.ts';
import { parseTag } from '../../src/oci/reference.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { createRepository, digestOfText, manifestOf } from '../support/hosted-records.ts';

const latest = parseTag('latest');
const fromStart = { after: '', limit: 100 };

describeEachDatabase('records of pushed manifests and tags', (open, { clock }) => {
  test('a manifest is kept byte for byte, and found by digest and by tag in its repository', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const manifest = manifestOf('{ "any" :\t"bytes" }');
    const { digest, mediaType, payload } = manifest;
    const { repositoryManifests, tags } = database;
    await repositoryManifests.save(web.id, manifest);
    expect(await tags.put(web.id, latest, digest)).toBeUndefined();
    expect(await repositoryManifests.find(web.id, digest)).toEqual({ digest, mediaType, payload });
    expect(await repositoryManifests.findByTag(web.id, latest)).toEqual({ digest, mediaType, payload });
    expect(await repositoryManifests.findByTag(web.id, parseTag('other'))).toBeUndefined();
    expect(await repositoryManifests.find(other.id, digest)).toBeUndefined();
    expect(await repositoryManifests.findByTag(other.id, latest)).toBeUndefined();
  });

  test('a manifest that is pushed again has its new type there, and the old one elsewhere', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const { repositoryManifests } = database;
    const subject = digestOfText('subject');
    const manifest = manifestOf('{}', { subject });
    for (const { id } of [web, other]) await repositoryManifests.save(id, manifest);
    await repositoryManifests.save(web.id, { ...manifest, mediaType: ociIndex });
    const typeIn = async (id: number) => (await repositoryManifests.find(id, manifest.digest))?.mediaType;
    expect([await typeIn(web.id), await typeIn(other.id)]).toEqual([ociIndex, ociManifest]);
    expect(await repositoryManifests.listReferrers(web.id, subject)).toHaveLength(1);
    await expect(repositoryManifests.save(999, manifest)).rejects.toThrow(MissingOwner);
  });

  test('what a repository refers to is told by its own manifests', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const reference = (kind: 'config' | 'layer' | 'manifest' | 'subject') =>
      ({ kind, digest: digestOfText(kind), mediaType: 'any', size: 1 }) as const;
    const references = [reference('config'), reference('layer'), reference('manifest'), reference('subject')];
    const manifest = manifestOf('{}', { references });
    const { repositoryBlobs, repositoryManifests } = database;
    await repositoryManifests.save(web.id, manifest);
    const of = async (aggregate: typeof repositoryBlobs | typeof repositoryManifests, id: number) => {
      const found: string[] = [];
      for (const { kind, digest } of references)
        if (await aggregate.isReferenced(id, digest)) found.push(kind);
      return found;
    };
    expect(await of(repositoryBlobs, web.id)).toEqual(['config', 'layer']);
    expect(await of(repositoryManifests, web.id)).toEqual(['manifest']);
    expect(await of(repositoryBlobs, other.id)).toEqual([]);
    expect(await of(repositoryManifests, other.id)).toEqual([]);
    expect(await repositoryManifests.remove(web.id, manifest.digest)).toBe(true);
    expect(await of(repositoryBlobs, web.id)).toEqual([]);
    expect(await repositoryManifests.remove(web.id, manifest.digest)).toBe(false);
  });

  test('a manifest goes with its tags, and from its repository alone', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const [first, second] = [manifestOf('{"n":1}'), manifestOf('{"n":2}')];
    for (const { id } of [web, other]) {
      for (const manifest of [first, second]) await database.repositoryManifests.save(id, manifest);
      for (const tag of ['v1', 'latest']) await database.tags.put(id, parseTag(tag), first.digest);
      await database.tags.put(id, parseTag('v2'), second.digest);
    }
    expect(await database.repositoryManifests.remove(web.id, first.digest)).toBe(true);
    expect(await database.tags.list(web.id, fromStart)).toEqual({ tags: ['v2'], hasMore: false });
    expect(await database.tags.count(other.id)).toBe(3);
    expect(await database.repositoryManifests.listMissing(web.id, [first.digest, second.digest])).toEqual([
      first.digest,
    ]);
  });

  test('a tag names one manifest of its repository, and tells what it named before', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const [first, second] = [manifestOf('{"n":1}'), manifestOf('{"n":2}')];
    const { tags } = database;
    for (const manifest of [first, second]) await database.repositoryManifests.save(web.id, manifest);
    expect(await tags.put(web.id, latest, first.digest)).toBeUndefined();
    expect(await tags.put(web.id, latest, first.digest)).toBe(first.digest);
    expect(await tags.put(web.id, latest, second.digest)).toBe(first.digest);
    expect(await tags.find(web.id, latest)).toBe(second.digest);
    await expect(tags.put(other.id, latest, first.digest)).rejects.toThrow(MissingOwner);
    expect(await tags.remove(other.id, latest, 'ada')).toBeUndefined();
    expect(await tags.remove(web.id, latest, 'ada')).toBe(second.digest);
    expect(await tags.remove(web.id, latest, 'ada')).toBeUndefined();
    expect(await tags.find(web.id, latest)).toBeUndefined();
    expect(await database.repositoryManifests.find(web.id, second.digest)).toBeDefined();
  });

  test('tags come in byte order, a page at a time', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    await pushTags(database, web.id, ['b', 'a', 'B', '_x', 'a-1', 'a.1', '1']);
    const list = (after: string, limit: number) => database.tags.list(web.id, { after, limit });
    expect(await list('', 100)).toEqual({ tags: ['1', 'B', '_x', 'a', 'a-1', 'a.1', 'b'], hasMore: false });
    expect(await list('', 2)).toEqual({ tags: ['1', 'B'], hasMore: true });
    expect(await list('absent', 2)).toEqual({ tags: ['b'], hasMore: false });
    expect(await list('a', 3)).toEqual({ tags: ['a-1', 'a.1', 'b'], hasMore: false });
    expect(await list('b', 0)).toEqual({ tags: [], hasMore: false });
    expect(await list('', 0)).toEqual({ tags: [], hasMore: true });
  });

  test('whoever holds a repository to change it is seen in its time', async () => {
    const database = await open();
    const web = await createRepository(database, 'acme/web');
    clock.now += 1000;
    expect(await database.repositories.hold(web.id)).toBe(true);
    expect((await database.repositories.findByName('acme/web'))?.updatedAt).toBe(clock.now);
    expect(await database.repositories.hold(web.id + 1)).toBe(false);
  });

  test('referrers are told of their repository, oldest first, with what their list needs', async () => {
    const database = await open();
    const [web, other] = [
      await createRepository(database, 'acme/web'),
      await createRepository(database, 'b/c'),
    ];
    const subject = digestOfText('subject');
    const annotations = { 'org.example.kind': 'SBOM "1"', other: 'é\u0000' };
    const signature = manifestOf('{"b":"signature"}', {
      subject,
      artifactType: 'application/sig',
      annotations,
    });
    const plain = manifestOf('{"a":1}', { subject, mediaType: ociIndex });
    const { repositoryManifests } = database;
    await repositoryManifests.save(web.id, signature);
    clock.now += 1;
    await repositoryManifests.save(web.id, plain);
    await repositoryManifests.save(web.id, manifestOf('{"without":1}', { artifactType: 'any', annotations }));
    await repositoryManifests.save(other.id, manifestOf('{"other":1}', { subject }));
    expect(await repositoryManifests.listReferrers(web.id, subject)).toStrictEqual([
      {
        mediaType: ociManifest,
        digest: signature.digest,
        size: signature.payload.length,
        artifactType: 'application/sig',
        annotations,
      },
      { mediaType: ociIndex, digest: plain.digest, size: plain.payload.length },
    ]);
    expect(await repositoryManifests.listReferrers(web.id, plain.digest)).toEqual([]);
  });
});

async function pushTags(database: Database, repositoryId: number, names: readonly string[]): Promise<Digest> {
  const manifest = manifestOf('{}');
  await database.repositoryManifests.save(repositoryId, manifest);
  await database.transaction(async (tx) => {
    for (const name of names) await tx.tags.put(repositoryId, parseTag(name), manifest.digest);
  });
  return manifest.digest;
}
