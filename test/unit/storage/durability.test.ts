import { mkdtemp, open, readdir, readlink, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { FilesystemBlobStore } from '../../../src/storage/filesystem-blob-store.ts';

// What a handle is of, Linux alone says.
test.skipIf(process.platform !== 'linux')(
  'the file of a blob is synced before it has its name, and the directory of the name after',
  async () => {
    const root = await mkdtemp(join(tmpdir(), 'entrepot-durability-'));
    onTestFinished(() => rm(root, { recursive: true, force: true }));
    const bytes = Buffer.from('bytes');
    const store = new FilesystemBlobStore(root);
    const spool = await store.createSpool();
    onTestFinished(() => spool.close());
    await spool.append(bytes);
    const synced = await recordSyncs(root);
    const key = await spool.commit(digestOf(bytes));
    const file = synced.findIndex(({ path }) => path.startsWith('v1/spool/'));
    const directory = synced.findIndex(({ path, names }) => path === dirname(key) && names.length === 1);
    expect(file).toBeGreaterThanOrEqual(0);
    expect(directory).toBeGreaterThan(file);
  },
);

/** What is synced from now on, by its path at that moment, and the names in it where it is a directory. */
async function recordSyncs(root: string): Promise<{ path: string; names: string[] }[]> {
  const synced: { path: string; names: string[] }[] = [];
  const handle = await open(root, 'r');
  const prototype: { sync(): Promise<void> } = Object.getPrototypeOf(handle);
  await handle.close();
  const { sync } = prototype;
  const spy = vi.spyOn(prototype, 'sync').mockImplementation(async function (this: unknown) {
    const path = await readlink(`/proc/self/fd/${(this as { fd: number }).fd}`);
    synced.push({ path: relative(root, path), names: await readdir(path).catch(() => []) });
    await sync.call(this as { sync(): Promise<void> });
  });
  onTestFinished(() => spy.mockRestore());
  return synced;
}
