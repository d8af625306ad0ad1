/** What is in the directory of the blobs: see blob-tree.ts. */

import { rename, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isSystemError } from '../oci/system-error.ts';
import type { BlobInventory, StorageKey, StoredCopy } from './blob-store.ts';
import { BlobTree, digestOfKey } from './blob-tree.ts';
import { listDirectory, makeBelow } from './directories.ts';
import { anyStore, type StoreGuard } from './store-identity.ts';

const blobsPath = 'v1/blobs';
const quarantinePath = 'v1/quarantine';

export class FilesystemBlobInventory implements BlobInventory {
  readonly #tree: BlobTree;
  readonly #guard: StoreGuard;

  /** @param root as of the store; so is the guard */
  constructor(root: string, guard: StoreGuard = anyStore(root)) {
    this.#tree = new BlobTree(root);
    this.#guard = guard;
  }

  async *list(): AsyncGenerator<StoredCopy, void, undefined> {
    await this.#guard.check();
    for (const algorithm of await this.#names(blobsPath)) {
      const folder = `${blobsPath}/${algorithm}`;
      for (const first of await this.#names(folder)) {
        // What is found here that no record names may be deleted.
        await this.#guard.check();
        for (const name of await this.#names(`${folder}/${first}`)) {
          const copy = await this.#find(`${folder}/${first}/${name}`);
          if (copy) yield copy;
        }
      }
    }
  }

  async quarantine(key: StorageKey): Promise<boolean> {
    const path = this.#tree.pathOf(key);
    const folder = join(this.#tree.root, quarantinePath);
    await this.#guard.check();
    await makeBelow(dirname(folder), folder);
    try {
      await rename(path, join(folder, basename(path)));
      return true;
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
  }

  /** Uploads are elsewhere, and no commit takes long. */
  async isUnfinished(): Promise<boolean> {
    return false;
  }

  /** Of a directory, in the order of keys. */
  async #names(path: string): Promise<string[]> {
    return (await listDirectory(join(this.#tree.root, path))).sort();
  }

  /** Undefined for what is not ours, and for what has gone since it was listed. */
  async #find(key: StorageKey): Promise<StoredCopy | undefined> {
    const digest = digestOfKey(key);
    if (digest === undefined) return undefined;
    try {
      const { size, mtimeMs } = await stat(this.#tree.pathOf(key));
      return { key, digest, size, writtenAt: Math.floor(mtimeMs) };
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw error;
    }
  }
}
