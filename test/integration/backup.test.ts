import { mkdir, mkdtemp, readdir, readFile, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { digestOf } from '../../src/oci/digest.ts';
import { bytesOf, jsonOf } from '../support/bodies.ts';
import { type FakeManifest, fakeImage, seededBlob } from '../support/fake-content.ts';
import { Run } from '../support/program.ts';

const rootToken = 'ent-test-root-token-0123456789';
const environment = { ENTREPOT_ROOT_TOKEN: rootToken };
const authorization = `Basic ${Buffer.from(`root:${rootToken}`).toString('base64')}`;

let directory: string;
let running: Run[];
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'entrepot-backup-'));
  running = [];
});
afterEach(async () => {
  for (const run of running) await run.end('SIGKILL');
  await rm(directory, { recursive: true });
});

function start(args: readonly string[] = [], variables: Readonly<Record<string, string>> = {}): Run {
  const run = new Run(directory, args, { ...environment, ...variables });
  running.push(run);
  return run;
}

async function finish(args: readonly string[], variables: Readonly<Record<string, string>> = {}) {
  const run = start(args, variables);
  const code = await run.exitCode();
  return { code, stdout: run.stdout, stderr: run.stderr };
}

const restored = () => ({ ENTREPOT_DATA_DIRECTORY: join(directory, 'restored') });

async function push(url: string, image: FakeManifest, tag: string): Promise<void> {
  const repository = `${url}/v2/acme/shop`;
  for (const blob of [...(image.config ? [image.config] : []), ...image.layers]) {
    const bytes = Buffer.concat([...blob.read(0, blob.size)]);
    const upload = `${repository}/blobs/uploads/?digest=${blob.digest}`;
    await demand(await fetch(upload, { method: 'POST', headers: { authorization }, body: bytes }));
  }
  const headers = { authorization, 'content-type': image.mediaType };
  const body = new Uint8Array(image.payload);
  await demand(await fetch(`${repository}/manifests/${tag}`, { method: 'PUT', headers, body }));
}

async function demand(answer: Response): Promise<Response> {
  if (answer.status >= 300) throw new Error(`${answer.url}: ${answer.status} ${await answer.text()}`);
  return answer;
}

async function createProject(url: string): Promise<void> {
  const post = async (path: string, body: object) =>
    jsonOf<{ id: number }>(
      await demand(
        await fetch(`${url}/api/v4${path}`, {
          method: 'POST',
          headers: { 'private-token': rootToken, 'content-type': 'application/json' },
          body: JSON.stringify(body),
        }),
      ),
    );
  const group = await post('/groups', { name: 'acme', path: 'acme' });
  await post('/projects', { path: 'shop', namespace_id: group.id });
}

/** Byte for byte, by its tag. */
async function expectWhole(url: string, image: FakeManifest, tag: string): Promise<void> {
  const get = async (path: string) =>
    bytesOf(await demand(await fetch(`${url}/v2/acme/shop/${path}`, { headers: { authorization } })));
  expect(digestOf(await get(`manifests/${tag}`))).toBe(image.digest);
  for (const { digest } of image.layers) expect(digestOf(await get(`blobs/${digest}`))).toBe(digest);
}

describe('a backup', () => {
  test('that is made while images are pushed has every image that was acknowledged before', async () => {
    const server = start();
    const url = await server.listening();
    await createProject(url);
    const images = Array.from({ length: 12 }, (_, seed) => fakeImage({ layers: [seededBlob(50_000, seed)] }));
    const early = images.slice(0, 4);
    for (const [index, image] of early.entries()) await push(url, image, `v${index}`);
    const backup = finish(['backup', 'all.tar']);
    for (const [index, image] of images.entries()) if (index >= 4) await push(url, image, `v${index}`);
    expect(await backup).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Backed up to all\.tar: \d+ blobs/),
    });
    expect((await stat(join(directory, 'all.tar'))).mode & 0o777).toBe(0o600);
    expect((await readdir(join(directory, 'data/blobs/v1/spool'))).length).toBeLessThanOrEqual(1);
    await server.end('SIGTERM');

    expect(await finish(['restore', 'all.tar'], restored())).toMatchObject({ code: 0 });
    const again = start([], restored());
    const urlAgain = await again.listening();
    for (const [index, image] of early.entries()) await expectWhole(urlAgain, image, `v${index}`);
    const tags = await jsonOf<{ tags: string[] }>(
      await fetch(`${urlAgain}/v2/acme/shop/tags/list`, { headers: { authorization } }),
    );
    for (const tag of tags.tags) {
      const image = images[Number(tag.slice(1))];
      if (image) await expectWhole(urlAgain, image, tag);
    }
    await push(urlAgain, fakeImage({ layers: [seededBlob(1000, 99)] }), 'new');
    await again.end('SIGTERM');
    expect(await finish(['storage', 'check'], restored())).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('All are sound.'),
    });
  });

  test('that is damaged or cut off is refused, and leaves nothing behind', async () => {
    const server = start();
    const url = await server.listening();
    await createProject(url);
    await push(url, fakeImage({ layers: [seededBlob(50_000, 1)] }), 'v1');
    await server.end('SIGTERM');
    expect(await finish(['backup', 'all.tar'])).toMatchObject({ code: 0 });
    const path = join(directory, 'all.tar');
    const whole = await readFile(path);

    const damaged = Buffer.from(whole);
    const at = damaged.indexOf(Buffer.concat([...seededBlob(50_000, 1).read(0, 100)]));
    damaged[at + 50] = (damaged[at + 50] ?? 0) ^ 1;
    await writeFile(path, damaged);
    expect(await finish(['restore', 'all.tar'], restored())).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('all.tar is damaged'),
    });
    await writeFile(path, whole);
    await truncate(path, whole.length - 4096);
    const cut = await finish(['restore', 'all.tar'], restored());
    expect([cut.code, cut.stderr]).toEqual([
      1,
      expect.stringMatching(/all\.tar (is not whole|cannot be restored)/),
    ]);
    await writeFile(path, 'no archive');
    expect((await finish(['restore', 'all.tar'], restored())).code).toBe(1);
    expect(await readdir(join(directory, 'restored'))).toEqual([]);
  });

  test('overwrites nothing', async () => {
    const server = start();
    await server.listening();
    await server.end('SIGTERM');
    await writeFile(join(directory, 'mine.tar'), 'mine');
    expect(await finish(['backup', 'mine.tar'])).toMatchObject({
      code: 1,
      stderr: 'entrepot: mine.tar exists already: name a new file\n',
    });
    expect(await finish(['backup', 'all.tar'])).toMatchObject({ code: 0 });
    expect(await finish(['restore', 'all.tar'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/data is not empty: a backup is only restored into an empty directory/),
    });
    expect(await readFile(join(directory, 'mine.tar'), 'utf8')).toBe('mine');
  });

  test('of nothing, and of a database server, is refused', async () => {
    expect(await finish(['backup', 'all.tar'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/there is no database .* to back up/),
    });
    const variables = { ENTREPOT_DATABASE__URL: 'postgres://127.0.0.1:1/x' };
    for (const command of ['backup', 'restore'])
      expect(await finish([command, 'all.tar'], variables)).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('for PostgreSQL see docs/operations.md'),
      });
    expect((await finish(['backup'])).code).toBe(64);
  });
});

describe('storage check', () => {
  test('says what is wrong and changes nothing, until it is told to repair', async () => {
    const server = start();
    const url = await server.listening();
    await createProject(url);
    const layer = seededBlob(5000, 1);
    await push(url, fakeImage({ layers: [layer] }), 'v1');
    await server.end('SIGTERM');
    const blobs = join(directory, 'data/blobs/v1/blobs/sha256');
    const hex = layer.digest.slice('sha256:'.length);
    const folder = join(blobs, hex.slice(0, 2));
    const [name = ''] = (await readdir(folder)).filter((each) => each.startsWith(hex));
    const bytes = await readFile(join(folder, name));
    bytes[0] = (bytes[0] ?? 0) ^ 1;
    await writeFile(join(folder, name), bytes);
    const orphan = join(blobs, '00', `${'0'.repeat(64)}-${'1'.repeat(24)}`);
    await mkdir(join(blobs, '00'), { recursive: true });
    await writeFile(orphan, 'x');
    await utimes(orphan, 1, 1);

    const found = await finish(['storage', 'check']);
    expect(found.code).toBe(1);
    expect(found.stdout).toContain(
      `corrupt (bytes of another digest): ${layer.digest}, which has to be pushed again to acme/shop`,
    );
    expect(found.stdout).toContain(
      `orphaned (bytes without a record): sha256:${'0'.repeat(64)} in v1/blobs/`,
    );
    expect(found.stdout).toMatch(/2 faults\. Nothing was changed; --repair/);
    expect(await readdir(folder)).toContain(name);

    const repaired = await finish(['storage', 'check', '--repair']);
    expect([repaired.code, repaired.stdout]).toEqual([1, expect.stringContaining('is quarantined')]);
    expect(await readdir(join(directory, 'data/blobs/v1/quarantine'))).toEqual([name]);
    expect(await readdir(join(blobs, '00'))).toEqual([]);

    const again = start();
    await push(await again.listening(), fakeImage({ layers: [layer] }), 'v1');
    await again.end('SIGTERM');
    expect((await finish(['storage', 'check'])).code).toBe(0);
    expect((await finish(['config', '--repair'])).code).toBe(64);
  });
});
