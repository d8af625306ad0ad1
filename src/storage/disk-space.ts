/**
 * Room that is left to deletions: whatever only adds stops while there is still some, since a database deletes by writing. A look at the
 * disk is good for a second, or for so many bytes.
 */
import { statfs } from 'node:fs/promises';
import { isSystemError } from '../oci/system-error.ts';
import { SpoolError } from './blob-store.ts';

export interface DiskSpaceOptions {
  /** What is kept free on the disk of each. */
  readonly directories: readonly string[];
  /** On a small disk it is less. */
  readonly reserveBytes: number;
}

export interface Space {
  /** @throws OutOfSpace where so many bytes more would not leave the reserve */
  demand(bytes: number): Promise<void>;
  /** Before so many bytes are written; mostly nothing is to be waited for. @throws OutOfSpace */
  take(bytes: number): Promise<void> | undefined;
  /** A write failed: what the last look said counts no longer. */
  lookAgain(): void;
}

/** Before anything was tried: what is left is for deletions. */
export class OutOfSpace extends SpoolError {
  constructor() {
    super('the disk is nearly full: nothing more is stored until there is room again', {
      retryAfterSeconds: 30,
    });
  }
}

/** A disk keeps at most this share of itself. */
const maxShare = 1 / 20;
const lookMs = 1000;
/** Far less than a reserve: so many bytes may be written until the next look. */
const maxStepBytes = 16 * 1024 * 1024;

export class DiskSpace implements Space {
  readonly #options: DiskSpaceOptions;
  readonly #roomOf: typeof roomOf;
  #room = 0;
  /** What may be written until the disk is looked at again. */
  #left = 0;
  #lookedAt = Number.NEGATIVE_INFINITY;
  #looking: Promise<void> | undefined;

  /** @param look as {@link roomOf} */
  constructor(options: DiskSpaceOptions, look = roomOf) {
    this.#options = options;
    this.#roomOf = look;
  }

  async demand(bytes: number): Promise<void> {
    if (bytes > this.#left || this.#isOld()) await this.#look();
    if (bytes > this.#room || this.#room <= 0) throw new OutOfSpace();
  }

  take(bytes: number): Promise<void> | undefined {
    if (bytes > this.#left || this.#isOld()) return this.#lookAndTake(bytes);
    this.#spend(bytes);
    return undefined;
  }

  lookAgain(): void {
    this.#lookedAt = Number.NEGATIVE_INFINITY;
  }

  async #lookAndTake(bytes: number): Promise<void> {
    await this.demand(bytes);
    this.#spend(bytes);
  }

  #spend(bytes: number): void {
    this.#left -= bytes;
    this.#room -= bytes;
  }

  #isOld(): boolean {
    return performance.now() - this.#lookedAt > lookMs;
  }

  /** One at a time for all who ask at once. */
  #look(): Promise<void> {
    this.#looking ??= this.#measure().finally(() => {
      this.#looking = undefined;
    });
    return this.#looking;
  }

  async #measure(): Promise<void> {
    const { directories, reserveBytes } = this.#options;
    const rooms = await Promise.all(directories.map((directory) => this.#roomOf(directory, reserveBytes)));
    this.#room = Math.min(...rooms.map(({ bytes }) => bytes));
    this.#left = Math.min(this.#room, maxStepBytes);
    this.#lookedAt = performance.now();
  }
}

export interface Room {
  /** Free bytes beyond the reserve, negative within it; endless where nobody can say. */
  readonly bytes: number;
  /** What is kept free. */
  readonly reserve: number;
}

export async function roomOf(directory: string, reserveBytes: number): Promise<Room> {
  try {
    const { bavail, bsize, blocks } = await statfs(directory);
    const reserve = Math.min(reserveBytes, Math.floor(blocks * bsize * maxShare));
    return { bytes: bavail * bsize - reserve, reserve };
  } catch {
    // What is wrong with it is found by whoever uses it.
    return { bytes: Number.POSITIVE_INFINITY, reserve: 0 };
  }
}

export const unlimitedSpace: Space = {
  demand: async () => undefined,
  take: () => undefined,
  lookAgain: () => undefined,
};

/** Of a disk, whoever filled it. */
export function isOutOfSpace(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof OutOfSpace || isSystemError(error.cause, 'ENOSPC', 'EDQUOT');
}
