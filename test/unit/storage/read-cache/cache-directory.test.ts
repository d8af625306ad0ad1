import { rmSync, utimesSync } from 'node:fs';
import { mkdir, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { digestOf, hexOf } from '../../../../src/oci/digest.ts';
import { CacheDirectory } from '../../../../src/storage/read-cache/cache-directory.ts';
import { temporaryDirectory } from '../../../support/temporary-directory.ts';

const hourMs = 3_600_000;

/** A directory with room for 100 bytes, and a clock at which `meanwhile` may happen. */
async function setUp() {
  const root = await temporaryDirectory();
  const world = { clock: 1_700_000_000_000, meanwhile: () => undefined as unknown };
  const directory = new CacheDirectory({
    root,
    maxBytes: 100,
    now: () => {
      world.meanwhile();
      return world.clock;
    },
  });
  const digest = (name: string) => digestOf(Buffer.from(name));
  const begin = async (size: number) => {
    const copy = await directory.create(size);
    onTestFinished(() => copy.file.close());
    return copy;
  };
  /** A copy, used the later the later it is put. */
  const put = async (name: string, size: number) => {
    const copy = await begin(size);
    await copy.file.write(Buffer.alloc(size));
    await copy.publish(digest(name));
    copy.release();
    await directory.touch(digest(name));
    world.clock += 1;
  };
  /** As another process, to which nobody here looks at once. */
  const putElsewhere = async (name: string, size: number, usedAt = world.clock) => {
    const path = directory.pathOf(digest(name));
    await writeFile(path, Buffer.alloc(size));
    await utimes(path, new Date(usedAt), new Date(usedAt));
  };
  const kept = async (...names: readonly string[]) => {
    const found = await readdir(root);
    return names.filter((name) => found.includes(`sha256-${hexOf(digest(name))}`)).join('');
  };
  return Object.assign(world, { root, directory, digest, begin, put, putElsewhere, kept });
}

test('what is absent is no error, and what else is wrong is one', async () => {
  const { root, directory, digest } = await setUp();
  expect(await directory.open(digest('a'))).toBeUndefined();
  await directory.remove(digest('a'));
  await directory.touch(digest('a'));
  const path = directory.pathOf(digest('b'));
  await symlink(path, path);
  await expect(directory.open(digest('b'))).rejects.toMatchObject({ code: 'ELOOP' });
  await rm(root, { recursive: true });
  expect(await directory.open(digest('a'))).toBeUndefined();
  await writeFile(root, 'in its place');
  expect(await directory.open(digest('a'))).toBeUndefined();
});

test('copies fill the room to its last byte, and then what is used least goes', async () => {
  const { put, kept, directory, digest } = await setUp();
  await put('a', 40);
  await put('b', 30);
  await put('c', 30);
  expect(await kept('a', 'b', 'c')).toBe('abc');
  await directory.touch(digest('a'));
  await put('d', 1);
  expect(await kept('a', 'b', 'c', 'd')).toBe('acd');
});

test('what others have put there is looked at after a minute, or when there is no room', async () => {
  const world = await setUp();
  await world.put('a', 40);
  world.clock += 59_998;
  await world.putElsewhere('b', 95, 0);
  // Full, as far as is known here.
  await world.put('c', 60);
  expect(await world.kept('a', 'b', 'c')).toBe('abc');
  await world.put('d', 1);
  expect(await world.kept('a', 'b', 'c', 'd')).toBe('cd');
  await world.putElsewhere('e', 90, 0);
  world.clock += 60_000 - 1;
  await world.put('f', 1);
  expect(await world.kept('c', 'd', 'e', 'f')).toBe('cdf');
});

test('what cannot be begun takes no room', async () => {
  const world = await setUp();
  await world.put('x', 1);
  world.meanwhile = () => rmSync(world.root, { recursive: true, force: true });
  world.clock += 60_000;
  await expect(world.begin(60)).rejects.toMatchObject({ code: 'ENOENT' });
  world.meanwhile = () => undefined;
  await world.put('a', 50);
  await world.put('b', 50);
  expect(await world.kept('a', 'b')).toBe('ab');
});

test('what another process removes meanwhile was to go, and what is no copy is left alone', async () => {
  const world = await setUp();
  await world.putElsewhere('a', 60, 0);
  const left = join(world.root, '00.partial');
  await writeFile(left, 'left');
  await mkdir(join(world.root, 'lost+found'));
  await symlink(join(world.root, 'nowhere'), join(world.root, 'link'));
  await utimes(left, new Date(0), new Date(0));
  // It is asked what time it is before each is removed.
  world.meanwhile = () => {
    if (looks === 2) rmSync(left);
    if (looks === 3) rmSync(world.directory.pathOf(world.digest('a')));
    looks += 1;
  };
  let looks = 1;
  await world.put('b', 100);
  expect([await world.kept('a', 'b'), looks > 3]).toEqual(['b', true]);
  expect((await readdir(world.root)).toSorted()).toEqual(
    [`sha256-${hexOf(world.digest('b'))}`, 'link', 'lost+found'].toSorted(),
  );
});

test('a copy that nobody has written to is abandoned after an hour', async () => {
  const world = await setUp();
  const path = join(world.root, '00.partial');
  const written = new Date(world.clock);
  await writeFile(path, 'left');
  utimesSync(path, written, written);
  world.clock += hourMs;
  await world.put('a', 1);
  await stat(path);
  world.clock += 60_001;
  await world.put('b', 1);
  await expect(stat(path)).rejects.toThrow();
});

test('a copy that is given up goes, also twice', async () => {
  const { begin, root } = await setUp();
  const copy = await begin(10);
  await copy.remove();
  await copy.remove();
  expect(await readdir(root)).toEqual([]);
});
