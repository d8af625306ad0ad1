/** What the system is asked to write to the disk, and when: what a crash of the machine would leave. */
import { open, readdir, readFile, readlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { loadSecrets } from '../../../src/app/secrets.ts';
import { backup } from '../../../src/commands/backup.ts';
import { restore } from '../../../src/commands/restore.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import { openDatabase } from '../../../src/metadata/db/database.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { makeDirectory } from '../../../src/storage/directories.ts';
import { FilesystemBackup } from '../../../src/storage/filesystem-backup.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';
import { FilesystemUploadStore } from '../../../src/storage/filesystem-upload-store.ts';
import { makeStore } from '../../../src/storage/store-identity.ts';
import { silentLog } from '../../support/silent-log.ts';
import { temporaryDirectory } from '../../support/temporary-directory.ts';
import { TestTerminal } from '../../support/test-terminal.ts';

const defaults = await readFile(new URL('../../../config/default.yaml', import.meta.url), 'utf8');
const bytes = Buffer.from('bytes');
const digest = digestOf(bytes);
const key = `v1/blobs/sha256/${digest.slice(7, 9)}/${digest.slice(7)}-${'0'.repeat(24)}`;

// What a handle is of, Linux alone says.
describe.skipIf(process.platform !== 'linux')('what a crash must not take', () => {
  test('is a directory that was made, and those above it that were made for it', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    await makeDirectory(join(root, 'a/b/c'));
    disk.expectNames(root, 'a/b/c');
    await makeDirectory(join(root, 'a/b/d/e'));
    disk.expectNames(root, 'a/b/d/e');
    // What is above may be of others, who do not let us read it.
    const later = await watchSyncs();
    await makeDirectory(join(root, 'a/b/d/e'));
    expect(later.synced).toEqual([]);
  });

  test('is a blob', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    const store = new FilesystemBlobStore(root);
    onTestFinished(() => store.close());
    const spool = await store.createSpool();
    onTestFinished(() => spool.close());
    await spool.append(bytes);
    await disk.expectBlob(root, await spool.commit(digest));
  });

  test.each([
    ['name', (path: string, root: string) => path === join(root, dirname(key))],
    [
      'content',
      (path: string, root: string) => path.startsWith(join(root, `v1/blobs/sha256/${digest.slice(7, 9)}/`)),
    ],
  ])('is no blob whose %s the disk did not take', async (_, isIt) => {
    const root = await temporaryDirectory();
    const store = new FilesystemBlobStore(root);
    onTestFinished(() => store.close());
    const spool = await store.createSpool();
    onTestFinished(() => spool.close());
    await spool.append(bytes);
    const disk = await watchSyncs((path) => isIt(path, root));
    await expect(spool.commit(digest)).rejects.toThrow('the disk fails');
    expect(await readdir(join(root, dirname(key)))).toEqual([]);
    expect(disk.synced.filter(({ path }) => isIt(path, root))).toHaveLength(1);
  });

  test('is a blob in a directory that another process made, and may not have synced', async () => {
    const root = await temporaryDirectory();
    await makeDirectory(join(root, dirname(key)));
    const disk = await watchSyncs();
    const store = new FilesystemBlobStore(root);
    onTestFinished(() => store.close());
    const spool = await store.createSpool();
    onTestFinished(() => spool.close());
    await spool.append(bytes);
    await disk.expectBlob(join(root, 'v1'), (await spool.commit(digest)).slice('v1/'.length));
  });

  test('is an upload that was committed', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    const spool = await new FilesystemUploadStore(root).openUpload('id');
    onTestFinished(() => spool.close());
    await spool.append(bytes);
    await disk.expectBlob(root, await spool.commit(digest));
  });

  test('is the id of a store, with the directories that were made for it', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    await makeStore(join(root, 'a/b/blobs'));
    await disk.expectFile(root, 'a/b/blobs/v1/store');
  });

  test('is the id of a store whose directories another process made, and may not have synced', async () => {
    const root = await temporaryDirectory();
    await makeDirectory(join(root, 'blobs/v1'));
    const disk = await watchSyncs();
    await makeStore(join(root, 'blobs'));
    await disk.expectFile(root, 'blobs/v1/store');
  });

  test('is the secret key', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    await loadSecrets({ environment: {}, dataDirectory: join(root, 'a/data'), sharedDatabase: false });
    await disk.expectFile(root, 'a/data/secret.key');
  });

  test('is a blob that was restored', async () => {
    const root = await temporaryDirectory();
    const disk = await watchSyncs();
    const blobs = await FilesystemBackup.open(join(root, 'blobs'));
    onTestFinished(() => blobs.close());
    await blobs.restore(key, once(bytes));
    await disk.expectFile(root, `blobs/${key}`);
  });

  test('is a backup, and all that was restored from it', async () => {
    const root = await temporaryDirectory();
    const context = (data: string) => ({
      config: loadConfig({
        defaults,
        environment: { ENTREPOT_DATA_DIRECTORY: join(root, data) },
        readFile: () => '',
      }),
      log: silentLog,
      terminal: new TestTerminal().terminal,
      print: () => undefined,
      readSecrets: () => Promise.reject(new Error('nobody asks')),
    });
    await loadSecrets({ environment: {}, dataDirectory: join(root, 'data'), sharedDatabase: false });
    await (
      await openDatabase({
        url: undefined,
        file: join(root, 'data/entrepot.db'),
        log: silentLog,
        now: () => 0,
      })
    ).close();
    const disk = await watchSyncs();
    const archive = join(root, 'all.tar');
    await backup(archive)(context('data'));
    disk.expectNames(root, 'all.tar');
    await restore(archive)(context('restored'));
    await disk.expectFile(root, 'restored/secret.key', false);
    await disk.expectFile(root, 'restored/entrepot.db');
  });
});

async function* once(content: Buffer) {
  yield content;
}

interface Synced {
  /** At that moment. */
  readonly path: string;
  /** In it, where it is a directory. */
  readonly names: readonly string[];
  /** Of a file. */
  readonly content: Buffer | undefined;
}

/** Sees what is synced from now on. @param fails of a path that cannot be */
async function watchSyncs(fails = (_path: string) => false) {
  const synced: Synced[] = [];
  const handle = await open('/', 'r');
  const prototype: { sync(): Promise<void> } = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  const spy = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: unknown) {
    const link = `/proc/self/fd/${(this as { fd: number }).fd}`;
    const path = await readlink(link);
    const names = await readdir(path).catch(() => []);
    synced.push({ path, names, content: await readFile(link).catch(() => undefined) });
    if (fails(path)) throw Object.assign(new Error('EIO'), { code: 'EIO' });
    await sync.call(this as { sync(): Promise<void> });
  });
  onTestFinished(() => spy.mockRestore());

  /** When the directory of this path was synced with its name in it. */
  const namedAt = (path: string) =>
    synced.findIndex((each) => each.path === dirname(path) && each.names.includes(basename(path)));
  /** That each name on the way from the root to the path is on the disk. */
  const expectNames = (root: string, path: string) => {
    for (let each = join(root, path); each !== root; each = dirname(each))
      expect(namedAt(each), each).toBeGreaterThanOrEqual(0);
  };
  return {
    synced,
    expectNames,
    /** And all of the bytes, before or after: nobody knows the name until both are. */
    expectBlob(root: string, path: string) {
      expectNames(root, path);
      expect(synced.filter(({ content }) => content?.equals(bytes))).toHaveLength(1);
    },
    /** And that the whole file was before it had its name, or at least before the name was. */
    async expectFile(root: string, path: string, isMovedThere = true) {
      expectNames(root, path);
      const file = join(root, path);
      const content = await readFile(file);
      const isIt = (each: Synced) => each.content?.equals(content) && !(isMovedThere && each.path === file);
      const writtenAt = synced.findIndex(isIt);
      expect(writtenAt).toBeGreaterThanOrEqual(0);
      expect(writtenAt).toBeLessThan(namedAt(file));
    },
  };
}
