/** The files of a registry that are read without it. */
import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { reasonOf } from '../../config/system-reasons.ts';
import { isSystemError } from '../../oci/system-error.ts';
import { SourceFault } from '../../replication/image-source.ts';
import { CommandRefused } from '../command.ts';

/** Paths are relative, with `/`. */
export interface TreeFiles {
  /** The names of those right below it; none where it is none. @throws CommandRefused where it cannot be read */
  listDirectories(path: string): Promise<readonly string[]>;
  /** In bytes. @param what names the file to people. @throws SourceFault */
  sizeOf(path: string, what: string): Promise<number>;
  /** Each chunk is given away. @param size as {@link sizeOf} gave it. @throws SourceFault */
  read(path: string, size: number, what: string): AsyncIterable<Uint8Array>;
  /** Where it is on this machine; undefined: elsewhere. */
  fileOf(path: string): string | undefined;
}

/** Of all of them, within the directory that a registry has as `rootdirectory`. */
export const treePath = 'docker/registry/v2';
const chunkBytes = 1024 * 1024;

export class DirectoryFiles implements TreeFiles {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async listDirectories(path: string): Promise<readonly string[]> {
    const directory = this.fileOf(path);
    try {
      const entries = await readdir(directory, { withFileTypes: true });
      return entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
    } catch (error) {
      if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return [];
      throw new CommandRefused(`cannot read ${directory}: ${reasonOf(error)}`, { cause: error });
    }
  }

  async sizeOf(path: string, what: string): Promise<number> {
    try {
      return (await stat(this.fileOf(path))).size;
    } catch (error) {
      throw faultOf(error, what);
    }
  }

  async *read(path: string, size: number, what: string): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* createReadStream(this.fileOf(path), { highWaterMark: Math.min(chunkBytes, size + 1) });
    } catch (error) {
      throw faultOf(error, what);
    }
  }

  fileOf(path: string): string {
    return join(this.#root, path);
  }
}

function faultOf(error: unknown, what: string): SourceFault {
  if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return absence(what, error);
  return new SourceFault(`${what}: ${reasonOf(error)}`, { cause: error });
}

export function absence(what: string, cause?: unknown): SourceFault {
  return new SourceFault(`${what}: there is no such file`, { isAbsent: true, cause });
}
