/**
 * Copies of blobs in a directory, which may be removed at any time: what is used least goes first. All is on the disk, so that processes may
 * share the directory, and find again what was there before they were started.
 */
import { type FileHandle, open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { algorithmOf, type Digest, hexOf } from '../../oci/digest.ts';
import { isSystemError } from '../../oci/system-error.ts';
import { uniqueName } from '../blob-tree.ts';
import { makeDirectory } from '../directories.ts';

/** Of a copy that is being written. */
const partialSuffix = '.partial';
/** A copy that nobody has written to for so long is of a process that died. */
const abandonedMs = 3_600_000;
/** What others have written to the directory is looked at as often. */
const lookMs = 60_000;

export interface CacheDirectoryOptions {
  readonly root: string;
  readonly maxBytes: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

interface CachedFile {
  readonly path: string;
  readonly size: number;
  readonly usedAt: number;
}

export class CacheDirectory {
  readonly #options: CacheDirectoryOptions;
  #usedBytes = 0;
  /** What is being written. */
  #reservedBytes = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> = Promise.resolve();

  constructor(options: CacheDirectoryOptions) {
    this.#options = options;
  }

  /** Undefined where there is no copy. @throws the system's error */
  async open(digest: Digest): Promise<FileHandle | undefined> {
    try {
      return await open(this.pathOf(digest), 'r');
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
      throw error;
    }
  }

  /** It is in use now. */
  async touch(digest: Digest): Promise<void> {
    const now = new Date(this.#options.now());
    await utimes(this.pathOf(digest), now, now).catch(() => undefined);
  }

  async remove(digest: Digest): Promise<void> {
    await rm(this.pathOf(digest), { force: true });
  }

  /**
   * Makes room for a copy of so many bytes, and a file to write it to.
   * @throws the system's error
   */
  async create(size: number): Promise<PartialCopy> {
    const { root } = this.#options;
    await makeDirectory(root);
    this.#reservedBytes += size;
    const path = join(root, `${uniqueName()}${partialSuffix}`);
    try {
      await this.#makeRoom();
      const file = await open(path, 'wx+', 0o600);
      return {
        file,
        publish: async (digest) => {
          await rename(path, this.pathOf(digest));
          this.#usedBytes += size;
        },
        remove: () => rm(path).catch(() => undefined),
        release: () => {
          this.#reservedBytes -= size;
        },
      };
    } catch (error) {
      this.#reservedBytes -= size;
      throw error;
    }
  }

  pathOf(digest: Digest): string {
    return join(this.#options.root, `${algorithmOf(digest)}-${hexOf(digest)}`);
  }

  /** One after another, or each would take away what the others have just taken into account. */
  async #makeRoom(): Promise<void> {
    const look = this.#looking.then(() => this.#look());
    this.#looking = look.catch(() => undefined);
    await look;
  }

  async #look(): Promise<void> {
    const { maxBytes, now } = this.#options;
    const isKnown = now() - this.#lookedAt < lookMs;
    if (isKnown && this.#usedBytes + this.#reservedBytes <= maxBytes) return;
    const files = await this.#list();
    this.#lookedAt = now();
    this.#usedBytes = files.reduce((sum, { size }) => sum + size, 0);
    for (const { path, size } of files.toSorted((a, b) => a.usedAt - b.usedAt)) {
      if (this.#usedBytes + this.#reservedBytes <= maxBytes) return;
      await rm(path, { force: true });
      this.#usedBytes -= size;
    }
  }

  /** Copies that are whole. Removes what was left of others. */
  async #list(): Promise<CachedFile[]> {
    const { root, now } = this.#options;
    const files: CachedFile[] = [];
    for (const name of await readdir(root)) {
      const path = join(root, name);
      const found = await stat(path).catch(() => undefined);
      if (!found?.isFile()) continue;
      if (!name.endsWith(partialSuffix)) files.push({ path, size: found.size, usedAt: found.mtimeMs });
      else if (now() - found.mtimeMs > abandonedMs) await rm(path, { force: true });
    }
    return files;
  }
}

/** A copy that is being written. */
export interface PartialCopy {
  readonly file: FileHandle;
  /** @throws the system's error */
  publish(digest: Digest): Promise<void>;
  remove(): Promise<void>;
  /** It takes no more room than what was published of it. */
  release(): void;
}
