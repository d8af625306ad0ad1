/** Blobs in one directory of a local or network file system: see blob-tree.ts. */

import { constants } from 'node:fs';
import { chmod, copyFile, type FileHandle, link, open, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Digest } from '../oci/digest.ts';
import { isSystemError } from '../oci/system-error.ts';
import {
  type BlobReader,
  type BlobStore,
  type CopyTarget,
  type Spool,
  SpoolError,
  type StorageKey,
} from './blob-store.ts';
import { BlobTree, uniqueName } from './blob-tree.ts';
import { BufferBudget, type ChunkSource, readChunks } from './chunk-reader.ts';
import { type Space, unlimitedSpace } from './disk-space.ts';
import { FilesystemSpool, writeFailure } from './filesystem-spool.ts';
import { SpoolOwner, sweepDeadOwners } from './spool-owner.ts';
import { anyStore, StoreAbsent, type StoreGuard } from './store-identity.ts';
import { fromStorage } from './unavailable-storage.ts';

export const spoolsPath = 'v1/spool';

export class FilesystemBlobStore implements BlobStore, CopyTarget {
  readonly #tree: BlobTree;
  readonly #spools: string;
  readonly #guard: StoreGuard;
  readonly #space: Space;
  #claim: Promise<SpoolOwner> | undefined;

  /** @param guard says whether what is at `root` is the store */
  constructor(root: string, guard: StoreGuard = anyStore(root), space: Space = unlimitedSpace) {
    this.#space = space;
    this.#tree = new BlobTree(root);
    this.#guard = guard;
    this.#spools = join(this.#tree.root, spoolsPath);
  }

  createSpool(): Promise<Spool> {
    return this.#makeSpool(async (path) => this.#spoolAt(path, await open(path, 'wx+', 0o600), 0));
  }

  /**
   * A spool with the bytes of a file, which takes no room: a clone, or another name of the file, of which nothing is changed. Nothing can be
   * appended to it. Undefined where the file system, or the owner of the file, lets neither be made.
   */
  spoolFile(file: string): Promise<Spool | undefined> {
    return this.#makeSpool(async (path) => {
      if (!(await cloneOrLink(file, path))) return undefined;
      const opened = await open(path, 'r');
      return this.#spoolAt(path, opened, (await opened.stat()).size);
    });
  }

  async copyIn(source: ChunkSource, size: number, digest: Digest): Promise<StorageKey> {
    const spool = await this.createSpool();
    try {
      for await (const chunk of readChunks(source, 0, size, new BufferBudget())) await spool.append(chunk);
      return await spool.commit(digest);
    } finally {
      await spool.close();
    }
  }

  async open(key: StorageKey, recorded?: number): Promise<BlobReader | undefined> {
    const path = this.#tree.pathOf(key);
    this.#guard.demand();
    const opening = open(path, 'r').catch((error: unknown) => {
      if (isSystemError(error, 'ENOENT')) return undefined;
      throw error;
    });
    const file = await fromStorage(opening);
    if (!file) {
      // Nothing is absent where there is no store.
      await this.#guard.check();
      return undefined;
    }
    const demandStore = async (error: unknown): Promise<never> => {
      await this.#guard.check();
      throw error;
    };
    try {
      const size = recorded ?? (await fromStorage(file.stat())).size;
      return {
        size,
        readAt: async (buffer, position) =>
          (await fromStorage(file.read(buffer, 0, buffer.length, position)).catch(demandStore)).bytesRead,
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async delete(key: StorageKey): Promise<void> {
    await this.#guard.check();
    await fromStorage(rm(this.#tree.pathOf(key), { force: true }));
  }

  sweepSpools(): Promise<number> {
    return sweepDeadOwners(this.#spools);
  }

  async check(): Promise<void> {
    const spool = await this.createSpool();
    try {
      await spool.append(Buffer.of(1));
      if ((await spool.readAt(Buffer.alloc(1), 0)) !== 1)
        throw new SpoolError('a written byte cannot be read');
    } finally {
      await spool.close();
    }
  }

  /** Removes this process's spools. Blobs that are being read stay readable. */
  async close(): Promise<void> {
    const claim = this.#claim;
    this.#claim = undefined;
    await (await claim)?.release();
  }

  /** @param make makes it at a path that nobody else has */
  async #makeSpool<T>(make: (path: string) => Promise<T>): Promise<T> {
    this.#guard.demand();
    try {
      await this.#space.demand(0);
      const { directory } = await this.#claimDirectory();
      return await make(join(directory, uniqueName()));
    } catch (cause) {
      if (isSystemError(cause, 'ENOENT')) {
        // Somebody removed the directory: the next spool claims a new one.
        this.#claim = undefined;
        await this.#guard.check();
      }
      if (cause instanceof StoreAbsent) throw cause;
      throw writeFailure('no spool can be made', cause, this.#space);
    }
  }

  /** @param length that it has, in bytes */
  #spoolAt(path: string, file: FileHandle, length: number): Spool {
    const remove = () => rm(path).catch(() => undefined);
    return new FilesystemSpool(file, length, {
      publish: (digest, sync) => this.#tree.publish(path, digest, sync),
      remove,
      leave: remove,
      space: this.#space,
    });
  }

  /** Whatever is in the place of the store has no directory of ours. */
  async #claimAnew(): Promise<SpoolOwner> {
    await this.#guard.check();
    return SpoolOwner.claim(this.#spools);
  }

  #claimDirectory(): Promise<SpoolOwner> {
    this.#claim ??= this.#claimAnew().catch((error: unknown) => {
      this.#claim = undefined;
      throw error;
    });
    return this.#claim;
  }
}

/** False where neither can be made. */
async function cloneOrLink(file: string, path: string): Promise<boolean> {
  const isMade = (making: Promise<void>) =>
    making.then(
      () => true,
      () => false,
    );
  if (await isMade(copyFile(file, path, constants.COPYFILE_FICLONE_FORCE))) {
    await chmod(path, 0o600);
    return true;
  }
  // What a failed clone left would be in the way.
  await rm(path, { force: true });
  return isMade(realpath(file).then((real) => link(real, path)));
}
