/** Images that are brought from the directory of another registry, beside a server that runs. */
import { stat, truncate, writeFile } from 'node:fs/promises';
import { describe, expect, test } from 'vitest';
import { imports } from '../../src/commands/import/import.ts';
import { digestOf } from '../../src/oci/digest.ts';
import type { TestApp } from '../support/app.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { describeApp } from '../support/describe-app.ts';
import {
  bytesBlob,
  type FakeManifest,
  fakeArtifact,
  fakeImage,
  fakeIndex,
  seededBlob,
} from '../support/fake-content.ts';
import { createProject } from '../support/pushing.ts';
import { WrittenTree } from '../support/registry-tree.ts';
import { temporaryDirectory } from '../support/temporary-directory.ts';
import { runHere } from '../support/test-terminal.ts';

async function newTree(): Promise<WrittenTree> {
  return new WrittenTree(await temporaryDirectory());
}

function bring(app: TestApp, tree: WrittenTree, ...args: readonly string[]) {
  return runHere(app.environment, ['import', '--from', tree.directory, ...args]);
}

/** Byte for byte, with all its blobs. */
async function expectWhole(app: TestApp, repository: string, reference: string, image: FakeManifest) {
  const answer = await app.v2(`${repository}/manifests/${reference}`);
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, image.mediaType]);
  expect(digestOf(await bytesOf(answer))).toBe(image.digest);
  for (const { digest } of [...image.layers, ...(image.config ? [image.config] : [])])
    expect(digestOf(await bytesOf(await app.v2(`${repository}/blobs/${digest}`)))).toBe(digest);
}

const image = (seed: number, format: 'oci' | 'docker' = 'docker') =>
  fakeImage({ format, layers: [seededBlob(3000, seed), seededBlob(1000, 99)], architecture: `a${seed}` });

describeApp('the directory of another registry', (start) => {
  test('gives its images, whatever kind they are, and is not changed', async () => {
    await using app = await start();
    const tree = await newTree();
    const platforms = [image(1, 'oci'), image(2, 'oci')] as const;
    const index = fakeIndex({ manifests: platforms });
    const attestation = fakeArtifact(platforms[0], 'application/vnd.in-toto+json');
    const single = image(3);
    const untagged = image(4);
    for (const platform of platforms) await tree.push('old/app', platform);
    await tree.push('old/app', index, '1.0');
    await tree.push('old/app', attestation);
    await tree.push('old/tool', single, 'latest');
    await tree.push('old/tool', single, '2');
    await tree.push('old/tool', untagged);
    const before = await tree.files();

    await createProject(app, 'acme/shop');
    const { text, isSound } = await bring(app, tree, '--map', 'old/*=acme/shop/*');
    expect(isSound).toBe(true);
    expect(text).toContain('2 repositories: 3 tags, 6 manifests');
    expect(await tree.files()).toEqual(before);

    const answer = await app.v2('acme/shop/app/manifests/1.0');
    expect([await bytesOf(answer), answer.headers.get('content-type')]).toEqual([
      index.payload,
      index.mediaType,
    ]);
    for (const platform of platforms) await expectWhole(app, 'acme/shop/app', platform.digest, platform);
    const referrers = await app.v2(`acme/shop/app/referrers/${platforms[0].digest}`);
    expect(await jsonOf(referrers)).toMatchObject({ manifests: [{ digest: attestation.digest }] });
    for (const tag of ['latest', '2']) await expectWhole(app, 'acme/shop/tool', tag, single);
    await expectWhole(app, 'acme/shop/tool', untagged.digest, untagged);
  });

  test('is not copied on one file system: its blobs have another name, and are the store’s own to delete', async () => {
    await using app = await start();
    const tree = await newTree();
    const only = fakeImage({ layers: [seededBlob(200_000, 7)] });
    await tree.push('acme/shop', only, '1');
    await createProject(app, 'acme/shop');
    await bring(app, tree);
    const [layer] = only.layers;
    const source = tree.blob(layer?.digest ?? only.digest);
    const [copy = ''] = await app.filesUnder((layer?.digest ?? '').slice('sha256:'.length));
    const [here, there] = [await stat(copy), await stat(source)];
    // Either it is a clone, which is ours alone, or the same file.
    expect(here.ino === there.ino || (here.mode & 0o777) === 0o600).toBe(true);
    await tree.remove(source);
    await expectWhole(app, 'acme/shop', '1', only);
  });

  test('is brought once: again, nothing is new, and what came meanwhile comes', async () => {
    await using app = await start();
    const tree = await newTree();
    const one = image(1);
    await tree.push('acme/shop', one, '1');
    await createProject(app, 'acme/shop');
    const dry = await bring(app, tree, '--dry-run');
    expect(dry.text).toBe(
      `1 repositories: 1 tags, 1 manifests and 3 blobs with ${4000 + (one.config?.size ?? 0)} bytes would be imported.\n` +
        'Here already: 0 tags, 0 manifests and 0 blobs with 0 bytes.\n',
    );
    expect((await app.v2('acme/shop/manifests/1')).status).toBe(404);
    await bring(app, tree);
    const again = await bring(app, tree);
    expect(again.text).toContain('0 tags, 0 manifests and 0 blobs with 0 bytes were imported');
    expect(again.text).toContain('Here already: 1 tags, 1 manifests');

    const moved = image(2);
    await tree.push('acme/shop', moved, '1');
    expect((await bring(app, tree)).text).toContain('1 tags, 1 manifests and 2 blobs');
    await expectWhole(app, 'acme/shop', '1', moved);
  });

  test('makes groups and projects if it is told to, and else says which are missing', async () => {
    await using app = await start();
    const tree = await newTree();
    const one = image(1);
    await tree.push('team/sub/tool', one, '1');
    await tree.push('alone', one, '1');
    const missing = await bring(app, tree);
    expect(missing.isSound).toBe(false);
    expect(missing.text).toContain(
      'skipped: team/sub/tool: no project owns team/sub/tool: make team/sub/tool',
    );
    const made = await bring(app, tree, '--create-groups');
    await expectWhole(app, 'team/sub/tool', '1', one);
    expect(made.text).toContain('skipped: alone: the project alone cannot be made: ');
    const project = await jsonOf(await app.api('GET', '/projects/team%2Fsub%2Ftool'));
    expect(project).toMatchObject({ visibility: 'private' });
    const mapped = await bring(
      app,
      tree,
      '--map',
      'alone=library/alone/it',
      'team/*=team/all/*',
      '--create-groups',
    );
    expect(mapped.isSound).toBe(true);
    await expectWhole(app, 'library/alone/it', '1', one);
    await expectWhole(app, 'team/all/sub/tool', '1', one);
  });

  test('says of what is broken what it is, brings the rest, and brings it too once it is mended', async () => {
    await using app = await start();
    const tree = await newTree();
    await createProject(app, 'acme/shop');
    const images = [1, 2, 3, 4, 5, 6].map((seed) => fakeImage({ layers: [seededBlob(500, 10 + seed)] }));
    const [sound, lost, cut, deleted, dangling, forged] = images as [
      FakeManifest,
      FakeManifest,
      FakeManifest,
      FakeManifest,
      FakeManifest,
      FakeManifest,
    ];
    for (const [number, each] of images.entries()) await tree.push('acme/shop', each, `t${number}`);
    const layerOf = ({ layers }: FakeManifest) => tree.blob(layers[0]?.digest ?? sound.digest);
    await tree.remove(layerOf(lost));
    await truncate(layerOf(cut), 100);
    await tree.remove(tree.revision('acme/shop', deleted.digest));
    await writeFile(tree.tag('acme/shop', 't4'), 'nonsense');
    await writeFile(tree.blob(forged.digest), fakeImage({ layers: [] }).payload);
    const old = bytesBlob(
      JSON.stringify({ schemaVersion: 1, name: 'old', tag: '1', fsLayers: [], history: [] }),
    );
    const schema1 = {
      ...fakeImage(),
      digest: old.digest,
      payload: Buffer.concat([...old.read(0, old.size)]),
    };
    await tree.push('acme/shop', schema1, 'v1');

    const { text, isSound } = await bring(app, tree);
    expect(isSound).toBe(false);
    const reasons: Record<string, RegExp> = {
      t1: /the blob sha256:\S+: there is no such file/,
      t2: /have the digest sha256:\S+, not sha256:\S+/,
      t3: /was deleted, or never was here/,
      t4: /the link of the tag t4 is broken/,
      t5: /have another digest/,
      v1: /schema 1 is not supported/,
    };
    for (const [tag, reason] of Object.entries(reasons))
      expect(text.split('\n').find((line) => line.startsWith(`skipped: acme/shop:${tag}: `))).toMatch(reason);
    expect(text).toContain('1 tags, 2 manifests');
    await expectWhole(app, 'acme/shop', 't0', sound);
    expect((await app.v2('acme/shop/manifests/t1')).status).toBe(404);
    // The link alone was broken: what it named is there.
    await expectWhole(app, 'acme/shop', dangling.digest, dangling);

    await tree.push('acme/shop', lost, 't1');
    await bring(app, tree);
    await expectWhole(app, 'acme/shop', 't1', lost);
  });

  test('goes by the rules of projects: what they refuse is left out, and said', async () => {
    await using app = await start();
    const tree = await newTree();
    const project = await createProject(app, 'acme/shop');
    await tree.push('acme/shop', image(1), '1');
    const limit = { container_registry_quota_bytes: 100 };
    expect((await app.api('PUT', `/projects/${project}`, limit)).status).toBe(200);
    const { text, isSound } = await bring(app, tree);
    expect([isSound, text]).toEqual([false, expect.stringMatching(/skipped: acme\/shop:1: .*quota/)]);
    await app.api('PUT', '/application/settings', { maintenance_mode: true });
    await expect(bring(app, tree)).rejects.toThrow(/read-only/);
    expect((await bring(app, tree, '--dry-run')).text).toContain('would be imported');
  });
});

describe('what import is asked for', () => {
  test('is one source, which is there', async () => {
    expect(() => imports({})).toThrow('either --from PLACE or --from-registry URL');
    expect(() => imports({ from: '.', fromRegistry: 'https://quay.io' })).toThrow('either');
    const directory = await temporaryDirectory();
    const environment = { ENTREPOT_DATA_DIRECTORY: directory };
    await expect(runHere(environment, ['import', '--from', directory])).rejects.toThrow(
      'there is no docker/registry/v2 with repositories in',
    );
    for (const place of ['ftp://theirs/root', 's3://theirs', 'azure://theirs'])
      await expect(runHere(environment, ['import', '--from', place])).rejects.toThrow(
        /cannot be opened: give s3:/,
      );
  });
});
