/**
 * The blobs of a directory, for a backup and from one. What is held stays readable whatever is deleted meanwhile: a further name of its
 * file in a directory of this process, which the next start of a server removes should the process die.
 */

import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { algorithmOf, finishDigest, hasherOf } from '../oci/digest.ts';
import { isSystemError } from '../oci/system-error.ts';
import type { StorageKey } from './blob-store.ts';
import { BlobTree, digestOfKey, uniqueName } from './blob-tree.ts';
import { writeNew } from './durable-files.ts';
import { spoolsPath } from './filesystem-blob-store.ts';
import { SpoolOwner } from './spool-owner.ts';
import { anyStore, type StoreGuard } from './store-identity.ts';

export class FilesystemBackup {
  readonly #tree: BlobTree;
  readonly #owner: SpoolOwner;
  readonly #held = new Map<StorageKey, string>();
  #closing: Promise<void> | undefined;

  private constructor(tree: BlobTree, owner: SpoolOwner) {
    this.#tree = tree;
    this.#owner = owner;
  }

  /** @param guard as of the store; by default, a store that no records are about yet is made */
  static async open(root: string, guard: StoreGuard = anyStore(root)): Promise<FilesystemBackup> {
    await guard.check();
    const tree = new BlobTree(root);
    return new FilesystemBackup(tree, await SpoolOwner.claim(join(tree.root, spoolsPath)));
  }

  /** False where there is no such copy. */
  async hold(key: StorageKey): Promise<boolean> {
    if (this.#held.has(key)) return true;
    const path = join(this.#owner.directory, uniqueName());
    try {
      await link(this.#tree.pathOf(key), path);
    } catch (error) {
      if (isSystemError(error, 'ENOENT')) return false;
      throw error;
    }
    this.#held.set(key, path);
    return true;
  }

  /** The bytes of a copy that is held. */
  read(key: StorageKey): Readable {
    const path = this.#held.get(key);
    if (path === undefined) throw new Error(`${key} is not held`);
    return createReadStream(path);
  }

  /**
   * Writes a copy under the key that it had, durably, before it is seen.
   * @throws WrongCopy where its bytes are not those of the key's digest, or it is no key
   */
  async restore(key: StorageKey, bytes: AsyncIterable<Uint8Array>): Promise<void> {
    const digest = digestOfKey(key);
    if (digest === undefined) throw new WrongCopy(`'${key}' is not the name of a blob`);
    const spool = join(this.#owner.directory, uniqueName());
    const algorithm = algorithmOf(digest);
    const hash = hasherOf(algorithm);
    await writeNew(spool, hashing(bytes, hash));
    const found = finishDigest(algorithm, hash);
    if (found !== digest) throw new WrongCopy(`${key} has the digest ${found}`);
    await this.#tree.place(spool, key);
  }

  /** What was held goes. */
  close(): Promise<void> {
    this.#closing ??= this.#owner.release();
    return this.#closing;
  }
}

/** What is in a backup is not what it says it is. */
export class WrongCopy extends Error {
  override readonly name = 'WrongCopy';
}

async function* hashing(bytes: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    hash.update(chunk);
    yield chunk;
  }
}
