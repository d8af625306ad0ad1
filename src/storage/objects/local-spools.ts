/** Files on the local disk for bytes that are on their way to a bucket. None outlives its process. */
import { type FileHandle, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isSystemError } from '../../oci/system-error.ts';
import { uniqueName } from '../blob-tree.ts';
import { makeDirectory } from '../directories.ts';
import type { Space } from '../disk-space.ts';
import { writeFailure } from '../filesystem-spool.ts';
import { SpoolOwner, sweepDeadOwners } from '../spool-owner.ts';

export interface LocalFile {
  /** Open for reading and writing. */
  readonly file: FileHandle;
  /** Never fails: what cannot be removed is swept later. */
  remove(): Promise<void>;
}

export class LocalSpools {
  readonly space: Space;
  readonly #directory: string;
  #claim: Promise<SpoolOwner> | undefined;

  /** @param directory is made; the spools of all processes on this machine are in it */
  constructor(directory: string, space: Space) {
    this.#directory = directory;
    this.space = space;
  }

  /** @throws SpoolError */
  async create(): Promise<LocalFile> {
    try {
      await this.space.demand(0);
      const { directory } = await this.#owner();
      const path = join(directory, uniqueName());
      const file = await open(path, 'wx+', 0o600);
      return { file, remove: () => rm(path).catch(() => undefined) };
    } catch (cause) {
      // Somebody removed the directory: the next spool claims a new one.
      if (isSystemError(cause, 'ENOENT')) this.#claim = undefined;
      throw writeFailure('no spool can be made', cause, this.space);
    }
  }

  /** Removes what dead processes left; the number of spools. */
  sweep(): Promise<number> {
    return sweepDeadOwners(this.#directory);
  }

  /** Removes those of this process. */
  async close(): Promise<void> {
    const claim = this.#claim;
    this.#claim = undefined;
    await (await claim)?.release();
  }

  #owner(): Promise<SpoolOwner> {
    this.#claim ??= makeDirectory(this.#directory)
      .then(() => SpoolOwner.claim(this.#directory))
      .catch((error: unknown) => {
        this.#claim = undefined;
        throw error;
      });
    return this.#claim;
  }
}
