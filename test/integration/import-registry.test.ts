/** Images that are brought from another registry over its API. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { ociIndex } from '../../src/oci/media-types.ts';
import type { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import {
  descriptorOf,
  type FakeManifest,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../support/fake-content.ts';
import { FakeRegistry, type FakeRegistryOptions } from '../support/fake-registry.ts';
import { Run } from '../support/program.ts';
import { createProject } from '../support/pushing.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runHere } from '../support/test-terminal.ts';

async function listen(options?: FakeRegistryOptions): Promise<FakeRegistry> {
  const registry = await new FakeRegistry(options).start();
  onTestFinished(() => registry.stop());
  return registry;
}

function bring(app: TestApp, registry: FakeRegistry, args: readonly string[] = [], input = '') {
  return runHere(app.environment, ['import', '--from-registry', registry.url, ...args], input);
}

async function expectWhole(app: TestApp, repository: string, reference: string, image: FakeManifest) {
  const answer = await app.v2(`${repository}/manifests/${reference}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, image.mediaType]);
  expect(digestOf(await bytesOf(answer))).toBe(image.digest);
  for (const { digest } of [...image.layers, ...(image.config ? [image.config] : [])])
    expect(digestOf(await bytesOf(await app.v2(`${repository}/blobs/${digest}`)))).toBe(digest);
}

const base = seededBlob(50_000, 1);
const image = (seed: number) =>
  fakeImage({ layers: [base, seededBlob(2000, seed)], architecture: `a${seed}`, format: 'docker' });

function bytesIn({ layers, config }: FakeManifest): number {
  return layers.reduce((sum, { size }) => sum + size, config?.size ?? 0);
}

describeApp('another registry', (start) => {
  test('gives all of its images, each blob once, to whoever may see its catalog', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const auth = { kind: 'bearer', username: 'puller', password: 'pull-secret' } as const;
    const registry = await listen({ auth, tagsPerPage: 2 });
    const repository = registry.repository('old/app');
    const platforms = [image(2), image(3)];
    const index = repository.addIndex({ manifests: platforms, tag: 'latest' });
    const signature = repository.addArtifact(index, 'application/vnd.dev.cosign.artifact.sig.v1+json');
    const attestation = repository.addArtifact(image(2), 'application/vnd.in-toto+json');
    for (const tag of ['1', '2', '3']) repository.tag(tag, platforms[0]?.digest ?? '');
    registry.repository('old/tool').push(image(4), '1');

    const map = ['--map', 'old/*=acme/shop/*', '--username', 'puller'];
    const { text, isSound } = await bring(app, registry, map, 'pull-secret\n');
    expect([isSound, text]).toEqual([true, expect.stringContaining('2 repositories: 5 tags, 6 manifests')]);
    const answer = await app.v2('acme/shop/app/manifests/latest');
    expect(await bytesOf(answer)).toEqual(index.payload);
    for (const platform of platforms) await expectWhole(app, 'acme/shop/app', platform.digest, platform);
    await expectWhole(app, 'acme/shop/app', '3', image(2));
    await expectWhole(app, 'acme/shop/tool', '1', image(4));
    for (const [subject, { digest }] of [
      [index, signature],
      [image(2), attestation],
    ] as const)
      expect(await jsonOf(await app.v2(`acme/shop/app/referrers/${subject.digest}`))).toMatchObject({
        manifests: [{ digest }],
      });
    expect(registry.count({ method: 'GET', kind: 'blob', reference: base.digest })).toBe(1);
    const [asked] = registry.matching({ kind: 'catalog', authorization: 'bearer' });
    expect(asked?.query).toBe('n=1000');
    const tokens = registry.matching({ kind: 'token' }).map(({ query }) => new URLSearchParams(query));
    expect(tokens.map((query) => query.get('scope'))).toContain('registry:catalog:*');

    registry.forgetRequests();
    expect((await bring(app, registry, map, 'pull-secret\n')).text).toContain(
      '0 tags, 0 manifests and 0 blobs',
    );
    expect(registry.count({ kind: 'blob' })).toBe(0);
    expect(registry.count({ method: 'GET', kind: 'manifest' })).toBe(0);
  });

  test('is waited for where it limits rates or fails, resumed where it breaks off, and not believed', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const registry = await listen();
    const repository = registry.repository('acme/shop');
    const [sound, forged, absent] = [image(2), image(3), image(4)];
    repository.push(sound, 'sound');
    repository.push(forged, 'forged');
    repository.push(absent, 'absent');
    registry.fault({ kind: 'tags' }, { status: 429, headers: { 'retry-after': '1' } }, 1);
    registry.fault({ kind: 'manifest', method: 'GET', reference: sound.digest }, { status: 503 }, 1);
    registry.fault({ kind: 'blob', method: 'GET', reference: base.digest }, { cutAfterBytes: 20_000 }, 1);
    registry.fault({ kind: 'blob', reference: forged.layers[1]?.digest ?? '' }, { corruptAt: 10 });
    repository.remove(absent.layers[1]?.digest ?? '');

    const { text, isSound } = await bring(app, registry);
    expect(isSound).toBe(false);
    expect(text).toMatch(/skipped: acme\/shop:forged: .*have the digest sha256:\S+, not sha256:/);
    expect(text).toMatch(/skipped: acme\/shop:absent: blob sha256:\S+ was not found/);
    expect(text).toContain('2 skipped: run this again');
    await expectWhole(app, 'acme/shop', 'sound', sound);
    const asked = registry.matching({ kind: 'blob', method: 'GET', reference: base.digest });
    expect(asked.map(({ headers }) => headers.range)).toEqual([undefined, 'bytes=20000-']);
  });

  test('goes on where a command was killed, without a blob that it had', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const registry = await listen();
    const whole = image(2);
    registry.repository('acme/shop').push(whole, '1');
    const release = Promise.withResolvers<void>();
    onTestFinished(() => release.resolve());
    const held = { kind: 'blob', method: 'GET', reference: whole.layers[1]?.digest ?? '' } as const;
    registry.fault(held, { holdAt: 100, until: release.promise }, 1);
    const args = ['import', '--from-registry', registry.url];
    const killed = new Run(await temporaryDirectory(), args, app.environment);
    await expect.poll(() => registry.count(held), { timeout: 60_000 }).toBe(1);
    await killed.end('SIGKILL');
    expect((await app.v2('acme/shop/manifests/1')).status).toBe(404);

    const again = new Run(await temporaryDirectory(), args, app.environment);
    expect([await again.exitCode(), again.stderr]).toEqual([0, '']);
    expect(again.stdout).toContain('1 tags, 1 manifests');
    await expectWhole(app, 'acme/shop', '1', whole);
    expect(registry.count({ kind: 'blob', method: 'GET', reference: base.digest })).toBe(1);
    expect(registry.count(held)).toBe(2);
  });

  test('may have a list that leads in a circle, an index that lists blobs, and lack what may be missing here', async () => {
    const registry = await listen();
    const repository = registry.repository('acme/shop');
    const [one, two] = [image(2), image(3)];
    repository.push(one, 'one');
    repository.push(two, 'two');
    const circle = {
      schemaVersion: 2,
      mediaType: ociIndex,
      manifests: [descriptorOf(one), descriptorOf(two)],
    };
    registry.fault({ kind: 'referrers' }, { status: 200, body: JSON.stringify(circle) });
    const layer = {
      mediaType: 'application/vnd.oci.image.layer.v1.tar+gzip',
      digest: base.digest,
      size: base.size,
    };
    const payload = Buffer.from(
      JSON.stringify({ schemaVersion: 2, mediaType: ociIndex, manifests: [layer] }),
    );
    const cache = { ...fakeIndex({ manifests: [] }), payload, digest: digestOf(payload), layers: [base] };
    repository.push(cache, 'cache');
    const sparse = repository.addIndex({ manifests: [one, image(4)], tag: 'sparse' });
    repository.remove(image(4).digest);

    await using strict = await start();
    await createProject(strict, 'acme/shop');
    const refused = await bring(strict, registry);
    expect(refused.text).toMatch(
      /^skipped: acme\/shop:sparse: the manifest sha256:\S+: \S+ does not have it \(404\)$/m,
    );
    expect(refused.text).toContain('3 tags, 3 manifests');
    await expectWhole(strict, 'acme/shop', 'cache', cache);
    await using lenient = await start({ environment: { ENTREPOT_HOSTED__SPARSE_MANIFESTS: 'indexes' } });
    await createProject(lenient, 'acme/shop');
    expect(await bring(lenient, registry)).toMatchObject({ isSound: true });
    await expectWhole(lenient, 'acme/shop', 'sparse', sparse);
    await expectWhole(lenient, 'acme/shop', one.digest, one);
  });

  test('is brought as far as rules are for it', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const registry = await listen();
    for (const name of ['old/app', 'other/app', 'old/a/b/c']) registry.repository(name).push(image(2), '1');
    const { text } = await bring(app, registry, ['--map', 'old/*=acme/shop/*']);
    expect(text).toBe(
      'skipped: old/a/b/c: acme/shop/a/b/c has more than 2 segments after its project acme/shop\n' +
        `1 repositories: 1 tags, 1 manifests and 3 blobs with ${bytesIn(image(2))} bytes were imported.\n` +
        'Here already: 0 tags, 0 manifests and 0 blobs with 0 bytes.\n' +
        '1 repositories left out: no --map is for them.\n' +
        '1 skipped: run this again once that is mended.\n',
    );
  });

  test('of Harbor and of GitLab gives what its projects have to whoever may not see the catalog', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const registry = await listen();
    const json = (body: unknown) => ({ status: 200, body: JSON.stringify(body) });
    const at = (path: string) => ({ path: `/api/${path}` });
    registry.repository('acme/shop/app').push(image(2), '1');
    registry.repository('acme/shop/tool').push(image(3), '1');
    registry.fault({ kind: 'catalog' }, { status: 401 });
    registry.fault(at('v2.0/projects'), json([{ name: 'acme' }, { name: 'empty' }]));
    registry.fault(at('v2.0/projects/acme/repositories'), json([{ name: 'acme/shop/app' }]));
    registry.fault(at('v2.0/projects/empty/repositories'), json([]));
    const login = ['--username', 'puller'];
    expect((await bring(app, registry, login, 'secret')).text).toContain('1 repositories: 1 tags');
    await expectWhole(app, 'acme/shop/app', '1', image(2));
    const [asked] = registry.matching(at('v2.0/projects'));
    expect(asked?.headers.authorization).toBe(`Basic ${Buffer.from('puller:secret').toString('base64')}`);

    registry.options = { auth: { kind: 'bearer', realm: `${registry.url}/jwt/auth` } };
    registry.fault({ path: '/jwt/auth' }, json({ token: 'of-gitlab' }));
    registry.fault(at('v4/projects'), json([{ id: 1 }, { id: 2 }]));
    registry.fault(at('v4/projects/1/registry/repositories'), json([{ path: 'acme/shop/tool' }]));
    registry.fault(at('v4/projects/2/registry/repositories'), { status: 404 });
    const listed = await bring(app, registry, [...login, '--dry-run'], 'secret');
    expect(listed.text).toContain('skipped: acme/shop/tool: ');
    expect(registry.matching(at('v4/projects')).map(({ headers }) => headers['private-token'])).toEqual([
      'secret',
    ]);
  });

  test('that lists nothing is asked for what is named; one in a private network is only asked if that is allowed', async () => {
    await using app = await start();
    await createProject(app, 'acme/shop');
    const registry = await listen();
    registry.repository('acme/shop').push(image(2), '1');
    registry.fault({ kind: 'catalog' }, { status: 404 });
    await expect(bring(app, registry)).rejects.toThrow(
      /does not say which repositories it has.*--repository/,
    );
    const some = await bring(app, registry, ['--repository', 'acme/shop', 'acme/none']);
    expect(some.text).toMatch(/skipped: acme\/none: /);
    expect(some.text).toContain('1 tags, 1 manifests');

    const strict = { ...app.environment, ENTREPOT_UPSTREAMS__ALLOWED_NETWORKS: '' };
    const args = ['import', '--from-registry', registry.url, '--repository', 'acme/shop'];
    registry.forgetRequests();
    await expect(runHere(strict, args)).rejects.toThrow(/private network.*--private-network/);
    expect(registry.requests).toEqual([]);
    expect(await runHere(strict, [...args, '--private-network'])).toMatchObject({ isSound: true });
  });
});

describe('the address of a registry', () => {
  test.each([
    [['--from-registry', 'quay.io'], /--from-registry: 'quay.io' .*https:\/\/quay\.io/],
    [['--from-registry', 'entrepot:acme'], /is this server/],
    [
      ['--from-registry', 'https://quay.io', '--password-file', '/nowhere'],
      /--password-file is for a --username/,
    ],
    [
      ['--from-registry', 'https://quay.io', '--username', 'a', '--password-file', '/nowhere'],
      /cannot read \/nowhere/,
    ],
    [['--from-registry', 'https://quay.io', '--username', 'a'], /standard input, which is empty/],
  ])('%j is refused', async (args, reason) => {
    const environment = { ENTREPOT_DATA_DIRECTORY: await temporaryDirectory() };
    await expect(runHere(environment, ['import', ...args])).rejects.toThrow(reason);
  });
});
