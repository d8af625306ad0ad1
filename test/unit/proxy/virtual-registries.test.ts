import { describe, expect, test } from 'vitest';
import { HotContent } from '../../../src/cache/hot-content.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { OciError } from '../../../src/oci/errors.ts';
import { parseRepositoryName, parseTag } from '../../../src/oci/reference.ts';
import { explainPull } from '../../../src/proxy/explain.ts';
import type { PulledRepository } from '../../../src/proxy/manifest-pull.ts';
import { VirtualRegistries } from '../../../src/proxy/virtual-registries.ts';
import type { Pulls } from '../../../src/proxy/virtual-repository.ts';
import { LocalUpstream, localPathOf } from '../../../src/upstreams/local-upstream.ts';
import type { UpstreamSettings } from '../../../src/upstreams/upstream.ts';
import { admissionOf } from '../../support/admission.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { MemoryRepository } from '../../support/memory-repository.ts';
import { silentLog } from '../../support/silent-log.ts';

const v1 = parseTag('v1');
const web = parseRepositoryName('web');
const name = parseRepositoryName('virtual_registries/container/7/web');

type Given = { readonly url: string } & Partial<UpstreamSettings>;

/**
 * Registry 7 of the group acme, closed, and what is given of others after it. Remote pulls answer MANIFEST_UNKNOWN, and tell which upstreams they were to ask under which key.
 */
function setUp(...given: readonly Given[]) {
  return setUpAll({ id: 7, isOpen: false, given });
}

interface GivenRegistry {
  readonly id: number;
  readonly isOpen: boolean;
  readonly given: readonly Given[];
}

function setUpAll(...all: readonly GivenRegistry[]) {
  const hosted = new Map<string, MemoryRepository>();
  const looked: string[] = [];
  const pulled: string[] = [];
  const names: string[] = [];
  const warm: string[] = [];
  const counted: [number, boolean][] = [];
  const configured = all.map(({ given, ...registry }) => ({
    ...registry,
    groupId: 3,
    groupPath: 'acme',
    upstreams: given.map((fields, index) => new FakeUpstream({ id: index + 1, ...fields }).settings),
  }));
  const unused = () => Promise.reject(new Error('not asked in these tests'));
  const pulls = {
    manifests: {
      manifest: async ({ key, sources }: Pick<PulledRepository, 'key' | 'sources'>) => {
        pulled.push(`${key}: ${sources().map(({ upstream }) => upstream.settings.id)}`);
        names.push(...sources().map(({ repository }) => repository));
        throw new OciError('MANIFEST_UNKNOWN');
      },
      hot: (key: string, reference: string) => {
        warm.push(key);
        return reference === 'v1' ? {} : undefined;
      },
    },
    blobs: { blob: unused, stat: unused },
    tags: { list: unused },
    referrers: { list: unused },
    counts: { count: (groupId: number, isHit: boolean) => counted.push([groupId, isHit]) },
  } as unknown as Pulls;
  const findHosted = async (groupPath: string, repository: string) => {
    looked.push(`${groupPath} ${repository}`);
    return hosted.get(repository);
  };
  const admission = admissionOf();
  const registries = new VirtualRegistries({
    load: async (id) => configured.find((each) => each.id === id),
    list: async () => configured.map(({ id }) => id),
    upstreamOf: (each) => {
      const path = localPathOf(each.url);
      return path === undefined ? new FakeUpstream(each) : new LocalUpstream(each, path, silentLog);
    },
    findHosted,
    hot: new HotContent(1024),
    pulls,
    admission,
  });
  const find = async () => {
    const repository = await registries.find(name);
    if (!repository) throw new Error('no virtual registry');
    return repository;
  };
  const explain = async (reference: Parameters<typeof explainPull>[2], image = web) => {
    const view = await registries.view(7);
    if (!view) throw new Error('no virtual registry');
    const entries = { listAt: async () => [], listByDigest: async () => [] };
    const manifests = { findPayload: async () => undefined };
    const contentOf = () => new MemoryRepository('hosted');
    const options = { entries, manifests, findHosted, admission, contentOf, now: Date.now };
    return explainPull(view, image, reference, options);
  };
  const host = (path: string) => {
    const repository = new MemoryRepository('hosted');
    hosted.set(path, repository);
    return repository;
  };
  return { host, hosted, looked, pulled, names, warm, counted, find, explain, registries };
}

describe('upstreams of a virtual registry', () => {
  test('that are all remote are pulled from as one', async () => {
    const { find, pulled, names, looked } = setUp({ url: 'https://a.test' }, { url: 'https://b.test' });
    await expect((await find()).manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(pulled).toEqual(['7.0 1@0,2@0/web: 1,2']);
    expect(names).toEqual(['library/web', 'library/web']);
    expect(looked).toEqual([]);
  });

  test('with a local one between them are asked before it and after it, each with a key of its own', async () => {
    const urls = ['https://a.test', 'https://b.test', 'entrepot:acme', 'https://c.test'];
    const { find, pulled, looked } = setUp(...urls.map((url) => ({ url })));
    await expect((await find()).manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(pulled).toEqual(['7.0 1@0,2@0/web: 1,2', '7.2 4@0/web: 4']);
    expect(looked).toEqual(['acme acme/web']);
  });

  test('with local ones at both ends leave nobody to ask before and after those', async () => {
    const urls = ['entrepot:acme', 'https://a.test', 'entrepot:other'];
    const { registries } = setUp(...urls.map((url) => ({ url })));
    const parts = (await registries.view(7))?.parts ?? [];
    expect(parts.map((part) => ('settings' in part ? part.settings.url : part.key))).toEqual([
      'entrepot:acme',
      '7.1 2@0',
      'entrepot:other',
    ]);
  });

  test('with a local one alone are that one', async () => {
    const { registries } = setUp({ url: 'entrepot:acme' });
    expect((await registries.view(7))?.parts).toHaveLength(1);
  });

  test('that are changed while a pull looks at them fail no pull', async () => {
    const { find, registries } = setUp({ url: 'https://a.test' });
    const found = find();
    registries.forgetAll();
    await expect((await found).manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  test('none at all say so', async () => {
    const { find } = setUp();
    await expect((await find()).manifest(v1, true)).rejects.toMatchObject({
      code: 'NAME_UNKNOWN',
      detail: 'virtual registry 7 has no upstreams; add one through the API',
    });
  });
});

describe('a local upstream', () => {
  test('has what is hosted below its path, seen from the group of the virtual registry', async () => {
    const { find, host, looked, pulled } = setUp({ url: 'entrepot:acme/shop' }, { url: 'https://a.test' });
    const digest = host('acme/shop/web').add('team', 'v1');
    expect(await (await find()).manifest(v1, true)).toMatchObject({ digest, outcome: 'hosted' });
    expect(looked).toEqual(['acme acme/shop/web']);
    expect(pulled).toEqual([]);
  });

  test('is looked at anew each time: what is deleted is gone at once', async () => {
    const { find, host, hosted } = setUp({ url: 'entrepot:acme/shop' });
    host('acme/shop/web').add('team', 'v1');
    const repository = await find();
    await repository.manifest(v1, true);
    hosted.delete('acme/shop/web');
    await expect(repository.manifest(v1, true)).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      detail: expect.stringContaining('acme/shop/web'),
    });
  });

  test('without the repository knows no blob, no tags and no referrers of it', async () => {
    const { find } = setUp({ url: 'entrepot:acme/shop' });
    const repository = await find();
    const digest = digestOf(Buffer.from('x'));
    await expect(repository.blob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await expect(repository.statBlob(digest)).rejects.toMatchObject({ code: 'BLOB_UNKNOWN' });
    await expect(repository.tags({ after: '', limit: 1 })).rejects.toMatchObject({ code: 'NAME_UNKNOWN' });
    expect(await repository.referrers(digest)).toEqual({ descriptors: [], outcome: 'hosted' });
  });

  test('answers all that is asked of the repository it has', async () => {
    const { find, host } = setUp({ url: 'entrepot:acme/shop' });
    const repository = await find();
    const hosted = host('acme/shop/web');
    const subject = hosted.add('team', 'v1');
    const digest = hosted.addBlob('layer');
    hosted.addReferrer(subject, 'of/team');
    expect(await repository.statBlob(digest)).toEqual({ digest, size: 5, outcome: 'hosted' });
    expect(await repository.blob(digest)).toMatchObject({ digest, size: 5, outcome: 'hosted' });
    expect(await repository.tags({ after: '', limit: 1 })).toEqual({
      tags: ['v1'],
      hasMore: false,
      outcome: 'hosted',
    });
    expect(await repository.referrers(subject)).toMatchObject({ descriptors: [{ artifactType: 'of/team' }] });
    await repository.manifest(v1, false);
    expect(hosted.asked.at(-1)).toBe('manifest head v1');
  });

  test('fails as the repository fails', async () => {
    const { find, host, explain } = setUp({ url: 'entrepot:acme/shop' });
    const repository = await find();
    host('acme/shop/web').failure = new TypeError('a bug');
    await expect(repository.manifest(v1, true)).rejects.toThrow('a bug');
    await expect(explain(v1)).rejects.toThrow('a bug');
  });

  test.each([
    [{ denyPatterns: ['web'] }, false],
    [{ allowPatterns: ['w*'] }, true],
    [{ allowPatterns: ['acme/**'] }, false],
  ])('has patterns for the name below its path: %o', async (patterns, isAllowed) => {
    const { find, host, looked } = setUp({ url: 'entrepot:acme', ...patterns });
    host('acme/web').add('team', 'v1');
    const answer = (await find()).manifest(v1, true);
    if (isAllowed) await expect(answer).resolves.toMatchObject({ outcome: 'hosted' });
    else
      await expect(answer).rejects.toMatchObject({
        code: 'NAME_UNKNOWN',
        detail: expect.stringContaining('upstream 1 '),
      });
    expect(looked).toHaveLength(isAllowed ? 1 : 0);
  });

  test('has nothing under a name that is too long to be one', async () => {
    const path = `acme/${'a'.repeat(250)}`;
    const { find, looked } = setUp({ url: `entrepot:${path}` });
    await expect((await find()).manifest(v1, true)).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
    expect(looked).toEqual([]);
  });
});

describe('an explanation', () => {
  const away = { id: 1, position: 1, repository: 'library/web', breaker: 'closed', entry: undefined };
  const here = { id: 2, position: 2, repository: 'acme/web', breaker: 'closed', entry: undefined };

  test('shows a local upstream in the walk, and that it has the image', async () => {
    const { explain, host, hosted } = setUp({ url: 'https://a.test' }, { url: 'entrepot:acme' });
    const digest = host('acme/web').add('team', 'v1');
    const [answer, asked] = [await explain(v1), hosted.get('acme/web')?.asked];
    expect(answer).toMatchObject({
      upstreams: [
        { ...away, wouldAsk: true, answer: { result: 'not-found' } },
        { ...here, isAllowed: true, wouldAsk: true, answer: { result: 'found', digest } },
      ],
      verdict: { upstreamId: 2, source: 'hosted', digest, why: expect.stringContaining('first upstream') },
    });
    // It is no pull, and not counted as one.
    expect(asked).toEqual(['manifest head v1']);
  });

  test('asks nobody below a local upstream that has the image', async () => {
    const { explain, host } = setUp({ url: 'entrepot:acme' }, { url: 'https://a.test' });
    host('acme/web').add('team', 'v1');
    expect(await explain(v1)).toMatchObject({
      upstreams: [{ wouldAsk: true }, { id: 2, position: 2, wouldAsk: false, answer: undefined }],
      verdict: { upstreamId: 1 },
    });
  });

  test('looks no further once a local upstream has the image', async () => {
    const { explain, host, looked } = setUp({ url: 'entrepot:acme' }, { url: 'entrepot:other' });
    for (const path of ['acme/web', 'other/web']) host(path).add(path, 'v1');
    expect(await explain(v1)).toMatchObject({
      upstreams: [{ wouldAsk: true }, { wouldAsk: false, answer: undefined }],
      verdict: { upstreamId: 1 },
    });
    expect(looked).toEqual(['acme acme/web']);
  });

  test('of a digest looks here first', async () => {
    const { explain, host } = setUp({ url: 'https://a.test' }, { url: 'entrepot:acme' });
    const digest = host('acme/web').add('team');
    expect(await explain(digest)).toMatchObject({
      upstreams: [
        { ...away, wouldAsk: false },
        { ...here, wouldAsk: true },
      ],
      verdict: {
        upstreamId: 2,
        source: 'hosted',
        digest,
        why: expect.stringContaining('a digest is looked for first'),
      },
    });
  });

  test('says why there is none', async () => {
    const { explain, host } = setUp(
      { url: 'https://a.test' },
      { url: 'entrepot:acme', denyPatterns: ['secret'] },
    );
    expect((await explain(v1)).verdict).toMatchObject({
      upstreamId: undefined,
      why: 'no upstream has the image',
    });
    host('acme/web').failure = new OciError('UNAVAILABLE');
    expect(await explain(v1)).toMatchObject({
      upstreams: [{}, { answer: { result: 'unavailable' } }],
      verdict: { upstreamId: undefined, why: 'no upstream that could be asked has the image' },
    });
    expect((await explain(v1, parseRepositoryName('secret'))).upstreams).toMatchObject([
      { isAllowed: true, wouldAsk: true },
      { isAllowed: false, wouldAsk: false, repository: 'acme/secret' },
    ]);
  });

  test('of a registry without upstreams says that', async () => {
    expect((await setUp().explain(v1)).verdict.why).toContain('no upstream is there');
  });
});

describe('upstreams that are chosen by their host', () => {
  const elsewhere = { url: 'https://a.test' };
  const chosen = { url: 'https://b.test', id: 5 };
  const hub = (isForEveryone = false) => ({ host: 'b.test', isForEveryone });
  const pull = async ({ registries }: ReturnType<typeof setUp>, choice = hub()) => {
    const repository = await registries.find(name, choice);
    return repository?.manifest(v1, true).catch(({ code }: OciError) => code);
  };

  test('are asked alone, under a key of their own, wherever they are in the order', async () => {
    const kit = setUp(elsewhere, { url: 'entrepot:acme' }, chosen);
    expect(await pull(kit)).toBe('MANIFEST_UNKNOWN');
    expect(await pull(kit)).toBe('MANIFEST_UNKNOWN');
    expect(kit.pulled).toEqual(['7.b.test 5@0/web: 5', '7.b.test 5@0/web: 5']);
    // The client says what the image is called there.
    expect(kit.names).toEqual(['web', 'web']);
    expect(kit.looked).toEqual([]);
  });

  test('may be of another registry of the group, the first that has any', async () => {
    const kit = setUpAll(
      { id: 7, isOpen: false, given: [elsewhere] },
      { id: 8, isOpen: false, given: [elsewhere] },
      { id: 9, isOpen: false, given: [chosen] },
      { id: 10, isOpen: false, given: [chosen] },
    );
    expect(await pull(kit)).toBe('MANIFEST_UNKNOWN');
    expect(kit.pulled).toEqual(['9.b.test 5@0/web: 5']);
  });

  test.each([
    ['a closed one is asked for by somebody', false, false, true],
    ['an open one is asked by whoever', true, true, true],
    ['an open one is asked for by somebody', true, false, true],
    ['a closed one is not asked for everyone', false, true, false],
  ])('of another registry: %s', async (_, isOpen, isForEveryone, isFound) => {
    const kit = setUpAll({ id: 7, isOpen: false, given: [elsewhere] }, { id: 8, isOpen, given: [chosen] });
    expect(await pull(kit, hub(isForEveryone))).toBe(isFound ? 'MANIFEST_UNKNOWN' : undefined);
  });

  test('of a closed registry are not asked through an open one', async () => {
    const kit = setUpAll(
      { id: 7, isOpen: true, given: [elsewhere] },
      { id: 8, isOpen: false, given: [chosen] },
    );
    expect(await pull(kit)).toBeUndefined();
  });

  test('are none where no registry of the group has them, or all refuse the image', async () => {
    expect(await pull(setUp(elsewhere))).toBeUndefined();
    expect(await pull(setUp({ ...chosen, denyPatterns: ['web'] }))).toBeUndefined();
    const two = setUp({ ...chosen, denyPatterns: ['web'] }, { ...chosen, id: 6 });
    expect(await pull(two)).toBe('MANIFEST_UNKNOWN');
  });
});

describe('what is hot', () => {
  test('is given at once where only remote upstreams are asked, and the registry is known', async () => {
    const kit = setUp({ url: 'https://a.test' }, { url: 'https://b.test' });
    expect(kit.registries.hotManifest(name, v1, true)).toBeUndefined();
    await kit.registries.view(7);
    kit.registries.hotManifest(name, v1, true);
    kit.registries.hotManifest(name, v1, true, { host: 'b.test', isForEveryone: true });
    expect(kit.warm).toEqual(['7.0 1@0,2@0/web', '7.b.test 2@0/web']);
    kit.registries.hotManifest(parseRepositoryName('acme/shop'), v1, true);
    kit.registries.hotManifest(name, v1, true, { host: 'c.test', isForEveryone: true });
    expect(kit.warm).toHaveLength(2);
  });

  test.each([
    ['a local one has a say', [{ url: 'entrepot:acme' }]],
    ['several parts are asked', [{ url: 'entrepot:acme' }, { url: 'https://a.test' }]],
  ])('is nothing where %s', async (_, given) => {
    const kit = setUp(...given);
    await kit.registries.view(7);
    expect(kit.registries.hotManifest(name, v1, true)).toBeUndefined();
    expect(kit.warm).toEqual([]);
  });

  test('is counted as a pull where it is one', async () => {
    const kit = setUp({ url: 'https://a.test' });
    await kit.registries.view(7);
    kit.registries.hotManifest(name, v1, false);
    expect(kit.counted).toEqual([]);
    kit.registries.hotManifest(name, v1, true);
    expect(kit.counted).toEqual([[3, true]]);
    kit.registries.hotManifest(name, parseTag('cold'), true);
    expect(kit.counted).toHaveLength(1);
  });
});
