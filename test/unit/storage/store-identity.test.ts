import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { UnavailableError } from '../../../src/oci/unavailable.ts';
import { anyStore, makeStore, StoreAbsent, StoreIdentity } from '../../../src/storage/store-identity.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';

const key = `v1/blobs/sha256/ab/${'ab'.repeat(32)}-${'0'.repeat(24)}`;

/** A directory, and the records that processes share. */
class World {
  readonly root: string;
  readonly said: string[] = [];
  id: string | undefined;
  keys: string[] = [];
  /** Another process that is faster. */
  others: string | undefined;

  constructor(root: string) {
    this.root = root;
  }

  start(): StoreIdentity {
    return new StoreIdentity({
      root: this.root,
      records: {
        find: async () => this.id,
        keep: async (id) => {
          this.id = this.others ?? id;
          return this.id;
        },
        listKeys: async () => this.keys,
      },
      log: {
        ...silentLog,
        info: () => void this.said.push('there again'),
        error: () => void this.said.push('not there'),
      },
    });
  }

  async put(path: string, text = ''): Promise<void> {
    await mkdir(dirname(join(this.root, path)), { recursive: true });
    await writeFile(join(this.root, path), text);
  }

  marker(): Promise<string> {
    return readFile(join(this.root, 'v1/store'), 'utf8');
  }
}

let world: World;
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  onTestFinished(() => void vi.useRealTimers());
  world = new World(join(await temporaryDirectory(), 'blobs'));
});

/** Why a store may not be used. */
async function reasonOf(identity: StoreIdentity): Promise<string> {
  const error: unknown = await identity.check().then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof StoreAbsent)) throw new Error('it may be used', { cause: error });
  return error.reason;
}

describe('a store', () => {
  test('is made at the first start, and is the same for the next', async () => {
    const identity = world.start();
    await identity.check();
    expect([identity.fault, identity.demand()]).toEqual([undefined, undefined]);
    expect(await world.marker()).toBe(`${world.id}\n`);
    expect((await stat(join(world.root, 'v1/store'))).mode & 0o777).toBe(0o600);
    const { id } = world;
    await world.start().check();
    expect(world.id).toBe(id);
    expect(world.said).toEqual([]);
  });

  test('that is gone is not made again: it may not be used until it is back, looked for once a second', async () => {
    const identity = world.start();
    await identity.check();
    const away = `${world.root}-away`;
    await rename(world.root, away);
    expect(await reasonOf(identity)).toContain('is its share mounted?');
    expect(() => identity.demand()).toThrow(StoreAbsent);
    expect(() => identity.demand()).toThrow(UnavailableError);
    expect(identity.fault).toBe('the storage of blobs is not there: the log of the server says why');
    await rename(away, world.root);
    vi.advanceTimersByTime(999);
    await expect(identity.check()).rejects.toThrow(identity.fault ?? 'nothing is wrong');
    vi.advanceTimersByTime(1);
    await identity.check();
    expect(identity.fault).toBeUndefined();
    identity.demand();
    expect(world.said).toEqual(['not there', 'there again']);
  });

  test('that is gone at the start is not made either, and its absence is said once', async () => {
    world.id = 'ours';
    const identity = world.start();
    for (let seconds = 0; seconds < 3; seconds += 1) {
      expect(await reasonOf(identity)).toContain('is its share mounted?');
      vi.advanceTimersByTime(1000);
    }
    expect(await readdir(dirname(world.root))).toEqual([]);
    expect(world.said).toEqual(['not there']);
  });

  test('of other records may not be used, and the reason names both', async () => {
    const id = await makeStore(world.root);
    world.id = 'ours';
    expect(await reasonOf(world.start())).toMatch(
      new RegExp(`this is the store ${id}, and the records are about ours; entrepot storage adopt`),
    );
  });

  test('that replaces ours while it is used may not be, until the records say so', async () => {
    const identity = world.start();
    await identity.check();
    await rm(world.root, { recursive: true });
    const id = await makeStore(world.root);
    expect(await reasonOf(identity)).toContain(id);
    world.id = id;
    vi.advanceTimersByTime(1000);
    await identity.check();
    expect(identity.fault).toBeUndefined();
  });

  test('that another process made first is the one', async () => {
    world.others = 'theirs';
    expect(await reasonOf(world.start())).toContain('the records are about theirs');
  });

  test.each(['directory', 'file'])(
    'whose id cannot be read may not be used: a %s is in its way',
    async (what) => {
      world.id = 'ours';
      if (what === 'directory') await mkdir(join(world.root, 'v1/store'), { recursive: true });
      else await world.put('v1');
      expect(await reasonOf(world.start())).toContain(what === 'directory' ? 'cannot be read' : 'is missing');
    },
  );

  test('without its id in it has none', async () => {
    world.id = 'ours';
    await world.put('v1/store', '\n');
    expect(await reasonOf(world.start())).toContain('is missing');
    await expect(makeStore(world.root)).rejects.toThrow('was removed');
  });
});

describe('of records that know no store', () => {
  test('the directory is the store where one of their blobs is in it', async () => {
    world.keys = [`${key}0`, key];
    await world.put(key);
    await world.start().check();
    expect(await world.marker()).toBe(`${world.id}\n`);
  });

  test('it is where it has an id besides, and keeps that', async () => {
    world.keys = [key];
    await world.put(key);
    const id = await makeStore(world.root);
    await world.start().check();
    expect(world.id).toBe(id);
  });

  test('it is not where none of their blobs is in it, and nothing is made', async () => {
    world.keys = [key];
    expect(await reasonOf(world.start())).toContain('entrepot storage adopt');
    expect([await readdir(dirname(world.root)), world.id]).toEqual([[], undefined]);
  });

  test('it is neither made out nor taken for another where a blob cannot be looked for', async () => {
    world.keys = [`v1/${'x'.repeat(300)}`];
    await mkdir(join(world.root, 'v1'), { recursive: true });
    await expect(world.start().check()).rejects.toMatchObject({ code: 'ENAMETOOLONG' });
  });

  test.each([
    ['nothing', undefined, true],
    ['an empty directory of blobs', 'v1/blobs/sha256/ab', true],
    ['a blob', key, false],
  ])('and no blobs, one that has an id is theirs with %s in it: %s', async (_, path, isTheirs) => {
    const id = await makeStore(world.root);
    if (path === key) await world.put(path);
    else if (path) await mkdir(join(world.root, path), { recursive: true });
    if (isTheirs) await world.start().check();
    else expect(await reasonOf(world.start())).toContain('belongs to another');
    expect(world.id).toBe(isTheirs ? id : undefined);
  });

  test('and no blobs, one that has blobs and no id is theirs', async () => {
    await world.put(key);
    await world.start().check();
    expect(await world.marker()).toBe(`${world.id}\n`);
  });

  test('nor blobs, what is in the place of blobs is an error', async () => {
    await makeStore(world.root);
    await world.put('v1/blobs');
    await expect(world.start().check()).rejects.toMatchObject({ code: 'ENOTDIR' });
  });
});

test('of those who make a store at once one wins, and nobody leaves a draft', async () => {
  const ids = await Promise.all(Array.from({ length: 8 }, () => makeStore(world.root)));
  expect(new Set(ids).size).toBe(1);
  expect(await readdir(join(world.root, 'v1'))).toEqual(['store']);
  expect(await makeStore(world.root)).toBe(ids[0]);
});

test('a store that no records are about is made, and may always be used', async () => {
  const guard = anyStore(world.root);
  guard.demand();
  await guard.check();
  await guard.check();
  expect(await readdir(world.root)).toEqual(['v1']);
});
