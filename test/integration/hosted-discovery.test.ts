import { describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { ociIndex } from '../../src/oci/media-types.ts';
import { fallbackTag } from '../../src/oci/referrers.ts';
import type { TestApp } from '../support/app.ts';
import { errorOf, jsonOf, manifestsOf, tagsOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import { descriptorOf, fakeArtifact, fakeImage, fakeIndex } from '../support/fake-content.ts';
import { createProject, createUser, Pusher } from '../support/pushing.ts';

const image = fakeImage();

/** A repository with these tags. */
async function withTags(app: TestApp, tags: readonly string[]): Promise<Pusher> {
  await createProject(app, 'acme/shop');
  const pusher = new Pusher(app, 'acme/shop');
  await pusher.image(image);
  for (const tag of tags) await pusher.manifest(image, tag);
  return pusher;
}

/** All pages of a list, from page to page as the server says. */
async function pagesOf(
  pusher: Pusher,
  first: string,
  read: (answer: Response) => Promise<readonly string[]>,
) {
  const pages: (readonly string[])[] = [];
  for (let next: string | undefined = first; next !== undefined; ) {
    const answer: Response = await pusher.at(next, 'GET');
    pages.push(await read(answer));
    next = /^<(.+)>; rel="next"$/.exec(answer.headers.get('link') ?? '')?.[1];
  }
  return pages;
}

describeApp('the tags of a repository', (start) => {
  const tags = ['10', '9', 'B', '_', 'a', 'a.b', 'b'];

  test('are listed in byte order, whole or in pages', async () => {
    await using app = await start();
    const pusher = await withTags(app, tags.toReversed());
    expect(await jsonOf(await pusher.ask('GET', 'tags/list'))).toEqual({ name: 'acme/shop', tags });
    expect(await pagesOf(pusher, '/v2/acme/shop/tags/list?n=3', tagsOf)).toEqual([
      ['10', '9', 'B'],
      ['_', 'a', 'a.b'],
      ['b'],
    ]);
    expect(await tagsOf(await pusher.ask('GET', 'tags/list?last=A'))).toEqual(['B', '_', 'a', 'a.b', 'b']);
    const none = await pusher.ask('GET', 'tags/list?n=0');
    expect(await tagsOf(none)).toEqual([]);
    expect(none.headers.has('link')).toBe(false);
  });

  test('are none where only blobs or untagged manifests are, and unknown where nothing is', async () => {
    await using app = await start();
    const pusher = await withTags(app, []);
    expect(await tagsOf(await pusher.ask('GET', 'tags/list'))).toEqual([]);
    const answer = await new Pusher(app, 'acme/shop/none').ask('GET', 'tags/list');
    expect(answer.status).toBe(404);
    expect((await errorOf(answer)).code).toBe('NAME_UNKNOWN');
  });
});

describeApp('the catalog', (start) => {
  const read = async (answer: Response) => (await jsonOf<{ repositories: string[] }>(answer)).repositories;

  test('lists what has manifests and may be pulled by who asks', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    await createProject(app, 'open/tools', { visibility: 'internal' });
    await createProject(app, 'secret/base');
    for (const name of ['acme/shop', 'acme/shop/web', 'open/tools', 'secret/base'])
      await new Pusher(app, name).image(image);
    await new Pusher(app, 'acme/shop/blobs').blob('only a blob');
    const alice = new Pusher(app, 'acme/shop', await createUser(app, 'alice', ['acme']));
    expect(await read(await alice.at('/v2/_catalog', 'GET'))).toEqual([
      'acme/shop',
      'acme/shop/web',
      'open/tools',
    ]);
    const root = new Pusher(app, 'acme/shop');
    expect(await pagesOf(root, '/v2/_catalog?n=3', read)).toEqual([
      ['acme/shop', 'acme/shop/web', 'open/tools'],
      ['secret/base'],
    ]);
  });
});

describeApp('the referrers of a manifest', (start) => {
  const signature = fakeArtifact(image, 'application/x.signature', { by: 'alice' });
  const report = fakeArtifact(image, 'application/x.report');

  async function withReferrers(app: TestApp): Promise<Pusher> {
    const pusher = await withTags(app, []);
    for (const artifact of [signature, report]) await pusher.image(artifact);
    return pusher;
  }

  test('are an index with all that is known of each', async () => {
    await using app = await start();
    const pusher = await withReferrers(app);
    const answer = await pusher.ask('GET', `referrers/${image.digest}`);
    expect(answer.headers.get('content-type')).toBe(ociIndex);
    expect(await jsonOf(answer)).toEqual({
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [
        { ...descriptorOf(signature), artifactType: 'application/x.signature', annotations: { by: 'alice' } },
        { ...descriptorOf(report), artifactType: 'application/x.report', annotations: {} },
      ],
    });
  });

  test('are filtered by their type', async () => {
    await using app = await start();
    const pusher = await withReferrers(app);
    const answer = await pusher.ask('GET', `referrers/${image.digest}?artifactType=application/x.report`);
    expect(answer.headers.get('oci-filters-applied')).toBe('artifactType');
    expect((await manifestsOf(answer)).map(({ digest }) => digest)).toEqual([report.digest]);
  });

  test('are an empty index for what nobody has pushed, also where nothing is', async () => {
    await using app = await start();
    const pusher = await withReferrers(app);
    const absent = digestOf(Buffer.from('absent'));
    for (const repository of [pusher, new Pusher(app, 'acme/shop/none')]) {
      const answer = await repository.ask('GET', `referrers/${absent}`);
      expect(answer.status).toBe(200);
      expect(await manifestsOf(answer)).toEqual([]);
    }
    expect((await pusher.ask('GET', 'referrers/sha256:bad')).status).toBe(400);
  });

  test('are gone when they are deleted, and stay when their subject is', async () => {
    await using app = await start();
    const pusher = await withReferrers(app);
    await pusher.ask('DELETE', `manifests/${signature.digest}`);
    await pusher.ask('DELETE', `manifests/${image.digest}`);
    const listed = await manifestsOf(await pusher.ask('GET', `referrers/${image.digest}`));
    expect(listed.map(({ digest }) => digest)).toEqual([report.digest]);
  });

  test('are also what a client listed under the fallback tag', async () => {
    await using app = await start();
    const pusher = await withReferrers(app);
    const other = fakeImage({ architecture: 'arm64' });
    await pusher.image(other);
    await pusher.manifest(fakeIndex({ manifests: [signature, other] }), fallbackTag(image.digest));
    const listed = await manifestsOf(await pusher.ask('GET', `referrers/${image.digest}`));
    expect(listed.map(({ digest }) => digest)).toEqual([signature.digest, report.digest, other.digest]);
  });
});

describeApp('what is not there', (start) => {
  describe('is answered 404 in JSON', () => {
    test.each(['_oci/ext/discover', 'acme/shop/_oci/ext/discover'])('%s', async (path) => {
      await using app = await start();
      await createProject(app, 'acme/shop');
      const answer = await app.v2(path);
      expect(answer.status).toBe(404);
      expect((await errorOf(answer)).code).not.toBe('');
    });
  });
});
