/**
 * A file of no use beside the database, given up when the disk is full, so that SQLite can delete: others fill disks, too. It is there
 * again once there is room for it.
 */
import { randomFillSync } from 'node:crypto';
import { unlinkSync } from 'node:fs';
import { open, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Log } from '../observe/log.ts';
import { roomOf } from './disk-space.ts';

const fileName = 'space.reserve';
/** Of what is kept free: given up, it is within that still, and is no room for what adds. */
const share = 1 / 2;
/** Some ten thousand deletions write as much. */
const maxBytes = 32 * 1024 * 1024;
const chunkBytes = 256 * 1024;
const lookMs = 10_000;

export class SpaceReserve {
  readonly #directory: string;
  readonly #path: string;
  readonly #reserveBytes: number;
  readonly #log: Log;
  readonly #roomOf: typeof roomOf;
  #timer: NodeJS.Timeout | undefined;
  #filling: Promise<void> | undefined;

  /** @param look as {@link roomOf} */
  constructor(directory: string, reserveBytes: number, log: Log, look = roomOf) {
    this.#directory = directory;
    this.#path = join(directory, fileName);
    this.#reserveBytes = reserveBytes;
    this.#log = log;
    this.#roomOf = look;
  }

  start(): void {
    this.#timer = setInterval(() => this.#refill(), lookMs).unref();
    this.#refill();
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#filling;
  }

  /** At once. False where it was given up before. */
  giveUp(): boolean {
    try {
      unlinkSync(this.#path);
    } catch {
      return false;
    }
    this.#log.error(
      { file: this.#path },
      'the disk is full: the reserve is given up, so that things can be deleted',
    );
    return true;
  }

  #refill(): void {
    this.#filling ??= this.#fill()
      .catch(() => rm(this.#path).catch(() => undefined))
      .finally(() => {
        this.#filling = undefined;
      });
  }

  async #fill(): Promise<void> {
    if (await stat(this.#path).catch(() => undefined)) return;
    const { bytes, reserve } = await this.#roomOf(this.#directory, this.#reserveBytes);
    const size = Math.min(Math.floor(reserve * share), maxBytes);
    if (bytes < size) return;
    const file = await open(this.#path, 'wx', 0o600);
    try {
      // What a file system could compress or leave out would hold no place.
      const chunk = randomFillSync(Buffer.alloc(chunkBytes));
      for (let written = 0; written < size; written += chunkBytes) await file.write(chunk);
    } finally {
      await file.close();
    }
  }
}
