/**
 * Blobs in one directory of a local or network file system. What commit() gave a key for survives a crash of the machine: the
 * file is synced before it is renamed into place, its directory after.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { algorithmOf, type Digest, hexOf } from '../oci/digest.ts';
import { type BlobReader, type BlobStore, type Spool, SpoolError, type StorageKey } from './blob-store.ts';
import { FilesystemSpool, spoolError } from './filesystem-spool.ts';
import { SpoolOwner, sweepDeadOwners } from './spool-owner.ts';

/*
 * The tree, all directories 0700 and files 0600:
 *   v1/blobs/sha256/ab/<hex>-<unique>   a copy of a blob: ab are the first two digits of the hex, unique is 24 random digits
 *   v1/spool/<owner>/<unique>           a spool of the process that owns the directory, see spool-owner.ts
 * A key is the path of the copy below the root. Both are on one file system, so that a rename publishes.
 */
const spoolsPath = 'v1/spool';
const keyPattern =
  /^v1\/blobs\/(?:sha256\/([0-9a-f]{2})\/\1[0-9a-f]{62}|sha512\/([0-9a-f]{2})\/\2[0-9a-f]{126})-[0-9a-f]{24}$/;

function createKey(digest: Digest): StorageKey {
  const hex = hexOf(digest);
  return parseKey(`v1/blobs/${algorithmOf(digest)}/${hex.slice(0, 2)}/${hex}-${uniqueName()}`);
}

/** Keys become paths: nothing else may. */
function parseKey(text: string): StorageKey {
  if (keyPattern.test(text)) return text as StorageKey;
  throw new Error(`'${text}' is not the key of a blob in a file system`);
}

function uniqueName(): string {
  return randomBytes(12).toString('hex');
}

export class FilesystemBlobStore implements BlobStore {
  readonly #root: string;
  /** Directories whose own entry is durable. */
  readonly #directories = new Map<string, Promise<void>>();
  #claim: Promise<SpoolOwner> | undefined;

  /** @param root is made, with its parents, when first written to */
  constructor(root: string) {
    this.#root = resolve(root);
  }

  async createSpool(): Promise<Spool> {
    try {
      const { directory } = await this.#claimDirectory();
      const path = join(directory, uniqueName());
      const file = await open(path, 'wx+', 0o600);
      return new FilesystemSpool(path, file, (from, digest) => this.#publish(from, digest));
    } catch (cause) {
      // Somebody removed the directory: the next spool claims a new one.
      if (isAbsence(cause)) this.#claim = undefined;
      throw spoolError(`no spool can be made in ${this.#root}`, cause);
    }
  }

  async open(key: StorageKey): Promise<BlobReader | undefined> {
    const path = this.#pathOf(key);
    const file = await open(path, 'r').catch((error: unknown) => {
      if (isAbsence(error)) return undefined;
      throw error;
    });
    if (!file) return undefined;
    try {
      const { size } = await file.stat();
      return {
        size,
        readAt: async (buffer, position) => (await file.read(buffer, 0, buffer.length, position)).bytesRead,
        close: () => file.close(),
      };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  async delete(key: StorageKey): Promise<void> {
    await rm(this.#pathOf(key), { force: true });
  }

  sweepSpools(): Promise<number> {
    return sweepDeadOwners(join(this.#root, spoolsPath));
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

  #claimDirectory(): Promise<SpoolOwner> {
    this.#claim ??= SpoolOwner.claim(join(this.#root, spoolsPath)).catch((error: unknown) => {
      this.#claim = undefined;
      throw error;
    });
    return this.#claim;
  }

  #pathOf(key: StorageKey): string {
    return join(this.#root, parseKey(key));
  }

  async #publish(from: string, digest: Digest): Promise<StorageKey> {
    const key = createKey(digest);
    const path = this.#pathOf(key);
    const directory = dirname(path);
    try {
      await this.#makeDirectory(directory);
      await rename(from, path);
      await syncDirectory(directory);
      return key;
    } catch (error) {
      this.#directories.clear();
      await rm(path, { force: true }).catch(() => undefined);
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
    const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
    const top = firstMade !== undefined && this.#root.startsWith(firstMade) ? dirname(firstMade) : this.#root;
    for (let parent = dirname(directory); ; parent = dirname(parent)) {
      await syncDirectory(parent);
      if (parent === top) return;
    }
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

function isAbsence(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
