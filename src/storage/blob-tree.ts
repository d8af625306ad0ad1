/**
 * The directory that the stores of blobs and of uploads share. What publish() gave a key for survives a crash of the machine. Nobody knows
 * the key before: the file and its new name are written to the disk at once, which a file system does in one go.
 */
import { randomBytes } from 'node:crypto';
import { rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { algorithmOf, type Digest, hexOf, parseDigest } from '../oci/digest.ts';
import type { StorageKey } from './blob-store.ts';
import { makeBelow, syncDirectory } from './directories.ts';
import { storePath } from './store-identity.ts';

/*
 * The tree, all directories 0700 and files 0600; unique is 24 random digits:
 *   v1/store                            the id of the store, see store-identity.ts
 *   v1/blobs/sha256/ab/<hex>-<unique>   a copy of a blob: ab are the first two digits of the hex
 *   v1/quarantine/<hex>-<unique>        a copy whose bytes have another digest, for people to look at
 *   v1/spool/<owner>/<unique>           a spool of the process that owns the directory, see spool-owner.ts
 *   v1/uploads/<id>/<claim>/bytes       what came of an upload, see filesystem-upload-store.ts
 * A key is the path of the copy below the root. All are on one file system, so that a rename publishes.
 */
const keyPattern =
  /^v1\/blobs\/(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126})-[0-9a-f]{24}$/;

function createKey(digest: Digest): StorageKey {
  const hex = hexOf(digest);
  return `v1/blobs/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}-${uniqueName()}`;
}

/** The digest that a copy was published as; undefined for what is no key. */
export function digestOfKey(text: string): Digest | undefined {
  if (!keyPattern.test(text)) return undefined;
  const [, , algorithm, , name] = text.split('/');
  return parseDigest(`${algorithm}:${name?.split('-')[0]}`);
}

/** Keys become paths: nothing else may. */
function parseKey(text: string): StorageKey {
  if (keyPattern.test(text)) return text;
  throw new Error(`'${text}' is not the key of a blob in a file system`);
}

export function uniqueName(): string {
  return randomBytes(12).toString('hex');
}

export class BlobTree {
  readonly root: string;
  /** Directories whose own entry is durable. */
  readonly #directories = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.root = resolve(root);
  }

  /** @throws Error where it is no key */
  pathOf(key: StorageKey): string {
    return join(this.root, parseKey(key));
  }

  /** As {@link place}, under a new key. */
  async publish(from: string, digest: Digest, sync: () => Promise<unknown>): Promise<StorageKey> {
    const key = createKey(digest);
    await this.place(from, key, sync);
    return key;
  }

  /**
   * Moves a file to where the key leads, durably.
   * @param sync makes its content durable; not where it is already
   * @throws the system's error; the file is then at its old place, or nowhere
   */
  async place(from: string, key: StorageKey, sync?: () => Promise<unknown>): Promise<void> {
    const path = this.pathOf(key);
    const directory = dirname(path);
    try {
      await this.#makeDirectory(directory);
      await rename(from, path);
      await Promise.all([sync?.(), syncDirectory(directory)]);
    } catch (error) {
      this.#directories.clear();
      await rm(path).catch(() => undefined);
      throw error;
    }
  }

  /** Another process may have made it without having synced it yet: the first use here always syncs. */
  #makeDirectory(directory: string): Promise<void> {
    const made = this.#directories.get(directory) ?? this.#makeDurably(directory);
    this.#directories.set(directory, made);
    return made;
  }

  async #makeDurably(directory: string): Promise<void> {
    await makeBelow(join(this.root, storePath), directory);
    for (let parent = dirname(directory); parent !== this.root; parent = dirname(parent))
      await syncDirectory(parent);
  }
}
