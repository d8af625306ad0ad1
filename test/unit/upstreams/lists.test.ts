import { gzipSync } from 'node:zlib';
import nock from 'nock';
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { ociIndex } from '../../../src/oci/media-types.ts';
import { createKit, image } from './kit.ts';
import { origin, useMockedRegistry } from './mocked-registry.ts';

useMockedRegistry(true);

const tagsPath = '/v2/team/app/tags/list';
const subject = digestOf(Buffer.from('subject'));
const referrersPath = `/v2/team/app/referrers/${subject}`;
const fallbackPath = `/v2/team/app/manifests/${subject.replace(':', '-')}`;

describe('listTags', () => {
  const list = () => createKit().upstream.listTags(image);

  test('gives all pages in byte order, each tag once, and no tag that is none', async () => {
    nock(origin)
      .get(`${tagsPath}?n=1000`)
      .reply(200, { tags: ['b', 'a', 'B'] }, { link: `<${tagsPath}?n=1000&last=B>; rel="next"` });
    nock(origin)
      .get(`${tagsPath}?n=1000&last=B`)
      .reply(200, { tags: ['a', 'Z', '-bad', '', 5] }, { link: `<${origin}${tagsPath}?last=Z>; rel=next` });
    nock(origin)
      .get(`${tagsPath}?last=Z`)
      .reply(200, { tags: ['0'] });
    const { upstream, observer } = createKit();
    expect(await upstream.listTags(image)).toEqual(['0', 'B', 'Z', 'a', 'b']);
    expect(observer.requests).toEqual(['tags ok', 'tags ok', 'tags ok']);
  });

  test.each([{ tags: null }, { tags: [] }, {}])('gives none for %o', async (said) => {
    nock(origin)
      .get(`${tagsPath}?n=1000`)
      .reply(200, { name: 'team/app', ...said });
    expect(await list()).toEqual([]);
  });

  test('gives each tag once where they come in order', async () => {
    nock(origin)
      .get(`${tagsPath}?n=1000`)
      .reply(200, { tags: ['a', 'a', 'b'] });
    expect(await list()).toEqual(['a', 'b']);
  });

  test.each(['nonsense', '[]', '{"tags":"a"}'])('refuses %s', async (body) => {
    nock(origin).get(`${tagsPath}?n=1000`).reply(200, body);
    await expect(list()).rejects.toMatchObject({ kind: 'invalid' });
  });

  test('sorts long lists that come in no order, each tag once', async () => {
    const tags = Array.from({ length: 26_000 }, (_, index) => `v${(index * 7919) % 17_000}`);
    nock(origin).get(`${tagsPath}?n=1000`).reply(200, { tags });
    expect(await list()).toEqual([...new Set(tags)].sort());
  });

  test('gives as many tags as a repository has, and refuses more, and says so', async () => {
    const tags = Array.from({ length: 100_001 }, (_, index) => `v${index + 100_000}`);
    nock(origin)
      .get(`${tagsPath}?n=1000`)
      .reply(200, { tags: tags.slice(1) });
    expect(await list()).toHaveLength(100_000);
    nock(origin).get(`${tagsPath}?n=1000`).reply(200, { tags });
    await expect(list()).rejects.toMatchObject({
      kind: 'invalid',
      message: 'has a list of more than 100000 tags',
    });
  });

  test.each([400, 413, 416])(
    'asks again without n where a page of that length is refused (%d)',
    async (status) => {
      nock(origin).get(`${tagsPath}?n=1000`).reply(status);
      nock(origin)
        .get(tagsPath)
        .reply(200, { tags: ['a'] }, { link: `<${tagsPath}?last=a>; rel="next"` });
      nock(origin)
        .get(`${tagsPath}?last=a`)
        .reply(200, { tags: ['b'] });
      expect(await list()).toEqual(['a', 'b']);
    },
  );

  test('says what is answered without n, and asks once for any other page', async () => {
    nock(origin).get(`${tagsPath}?n=1000`).reply(400);
    nock(origin).get(tagsPath).reply(400);
    await expect(list()).rejects.toMatchObject({ kind: 'invalid', status: 400 });
    nock(origin)
      .get(`${tagsPath}?n=1000`)
      .reply(200, { tags: ['a'] }, { link: `<${tagsPath}?last=a>; rel="next"` });
    nock(origin).get(`${tagsPath}?last=a`).reply(400);
    await expect(list()).rejects.toMatchObject({ kind: 'invalid', status: 400 });
  });

  test.each(['unauthorized', 'rate-limited', 'unavailable'])(
    'is asked for once where it is refused (%s)',
    async (kind) => {
      const status = { unauthorized: 403, 'rate-limited': 429, unavailable: 503 }[kind];
      nock(origin).get(`${tagsPath}?n=1000`).reply(status);
      await expect(list()).rejects.toMatchObject({ kind });
    },
  );

  test('says not-found', async () => {
    nock(origin).get(`${tagsPath}?n=1000`).reply(404);
    await expect(list()).rejects.toMatchObject({ kind: 'not-found' });
  });
});

describe('listReferrers', () => {
  const signature = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(Buffer.from('signature')),
    size: 9,
    artifactType: 'application/signature',
    annotations: { by: 'us' },
  };
  const sbom = {
    mediaType: 'application/vnd.oci.image.manifest.v1+json',
    digest: digestOf(Buffer.from('sbom')),
    size: 4,
  };
  const index = (...manifests: object[]) => ({ schemaVersion: 2, mediaType: ociIndex, manifests });

  test('gives all pages, without fields it does not know and without malformed entries', async () => {
    nock(origin, { reqheaders: { accept: ociIndex } })
      .get(referrersPath)
      .reply(200, index({ ...signature, data: 'AAAA' }), { link: `<${referrersPath}?p=2>; rel="next"` });
    nock(origin)
      .get(`${referrersPath}?p=2`)
      .reply(200, index(sbom, { ...sbom, digest: 'sha256:short' }, { ...sbom, size: -1 }, {}));
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([signature, sbom]);
  });

  test('takes null for what is not said, as Go does', async () => {
    const { annotations: _, artifactType: __, ...plain } = { ...signature };
    nock(origin)
      .get(referrersPath)
      .reply(
        200,
        index({ ...plain, artifactType: null, annotations: null }, { ...sbom, annotations: { by: null } }),
      );
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([
      plain,
      { ...sbom, annotations: { by: '' } },
    ]);
  });

  test.each([400, 404, 405, 406, 501])(
    'gives those of the fallback tag where the API answers %d',
    async (status) => {
      nock(origin).get(referrersPath).reply(status, index(signature));
      nock(origin, { reqheaders: { accept: ociIndex } })
        .get(fallbackPath)
        .reply(200, index(sbom));
      const { upstream, observer } = createKit();
      expect(await upstream.listReferrers(image, subject)).toEqual([sbom]);
      expect(observer.requests).toEqual(['referrers ok', 'referrers ok']);
      expect(upstream.health().lastError).toBeUndefined();
    },
  );

  test('cuts the fallback tag of a sha512 digest', async () => {
    const long = digestOf(Buffer.from('subject'), 'sha512');
    nock(origin).get(`/v2/team/app/referrers/${long}`).reply(404);
    nock(origin)
      .get(`/v2/team/app/manifests/sha512-${long.slice(7, 7 + 64)}`)
      .reply(200, index(sbom));
    expect(await createKit().upstream.listReferrers(image, long)).toEqual([sbom]);
  });

  test.each([
    ['nothing', 404, JSON.stringify(index(sbom))],
    ['an image', 200, '{"schemaVersion":2,"layers":[]}'],
    ['no JSON', 200, 'nonsense'],
  ])('gives none where the fallback tag has %s', async (_what, status, body) => {
    nock(origin).get(referrersPath).reply(404);
    nock(origin).get(fallbackPath).reply(status, body);
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([]);
  });

  test('gives those of a fallback tag whose index was coded on its way', async () => {
    nock(origin).get(referrersPath).reply(404);
    const coded = gzipSync(JSON.stringify(index(sbom)));
    nock(origin).get(fallbackPath).reply(200, coded, { 'content-encoding': 'gzip' });
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([sbom]);
  });

  test('gives an empty list for an empty index, without a look at the tag', async () => {
    nock(origin).get(referrersPath).reply(200, index());
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([]);
  });

  test.each(['<html>', '', '{}', '[]', 'null', '{"manifests":{}}', '{"errors":[]}'])(
    'gives those of the fallback tag where the API answers %o, which is no index',
    async (body) => {
      nock(origin).get(referrersPath).reply(200, body);
      nock(origin).get(fallbackPath).reply(200, index(sbom));
      const { upstream } = createKit();
      expect(await upstream.listReferrers(image, subject)).toEqual([sbom]);
      expect(upstream.health().lastError).toBeUndefined();
    },
  );

  test.each([401, 402, 403, 410])(
    'gives those of the fallback tag where the API refuses us (%d)',
    async (status) => {
      nock(origin).get(referrersPath).reply(status);
      nock(origin).get(fallbackPath).reply(200, index(sbom));
      expect(await createKit().upstream.listReferrers(image, subject)).toEqual([sbom]);
      nock(origin).get(referrersPath).reply(status);
      nock(origin).get(fallbackPath).reply(404);
      expect(await createKit().upstream.listReferrers(image, subject)).toEqual([]);
    },
  );

  test('takes null for an index of nothing', async () => {
    nock(origin).get(referrersPath).reply(200, '{"schemaVersion":2,"manifests":null}');
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([]);
  });

  test('gives none where the fallback tag names the subject itself', async () => {
    const platforms = JSON.stringify(index(sbom));
    for (const algorithm of ['sha256', 'sha512'] as const) {
      const itself = digestOf(Buffer.from(platforms), algorithm);
      nock(origin).get(`/v2/team/app/referrers/${itself}`).reply(404);
      nock(origin)
        .get(`/v2/team/app/manifests/${itself.replace(':', '-').slice(0, 71)}`)
        .reply(200, platforms);
      expect(await createKit().upstream.listReferrers(image, itself)).toEqual([]);
    }
  });

  test('is no list where a page after the first is none', async () => {
    nock(origin)
      .get(referrersPath)
      .reply(200, index(sbom), { link: `<${referrersPath}?p=2>; rel="next"` });
    nock(origin).get(`${referrersPath}?p=2`).reply(200, '<html>');
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'sent a list of referrers that is not an index',
    });
  });

  test('is no list where it is over a limit of JSON', async () => {
    nock(origin).get(referrersPath).reply(200, '['.repeat(100));
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject({
      kind: 'invalid',
      message: expect.stringContaining('nested deeper'),
    });
  });

  test('refuses a list without measure, in one page or in several', async () => {
    const tooMany = { kind: 'invalid', message: 'has more than 10000 referrers for one subject' };
    const many = (count: number, descriptor = {}) => index(...Array(count).fill(descriptor));
    nock(origin).get(referrersPath).reply(200, many(10_000));
    expect(await createKit().upstream.listReferrers(image, subject)).toEqual([]);
    nock(origin).get(referrersPath).reply(200, many(10_001));
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject(tooMany);
    nock(origin)
      .get(referrersPath)
      .reply(200, many(9999, sbom), { link: `<${referrersPath}?p=2>; rel="next"` });
    nock(origin).get(`${referrersPath}?p=2`).reply(200, many(2, sbom));
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject(tooMany);
  });

  test('refuses an index without measure of the fallback tag', async () => {
    nock(origin).get(referrersPath).reply(404);
    nock(origin)
      .get(fallbackPath)
      .reply(200, index(...Array(10_001).fill({})));
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  test('fails where the fallback tag cannot be read', async () => {
    nock(origin).get(referrersPath).reply(404);
    nock(origin).get(fallbackPath).reply(400);
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject({
      kind: 'invalid',
    });
  });

  test('does not fall back where the registry is down', async () => {
    nock(origin).get(referrersPath).reply(503);
    await expect(createKit().upstream.listReferrers(image, subject)).rejects.toMatchObject({
      kind: 'unavailable',
    });
  });
});
