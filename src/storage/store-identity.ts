/**
 * Whether a directory is the store that the records are about. A share that is not mounted leaves an empty directory in its place, or
 * none: taken for the store, what is pushed would go there, and all that is recorded would seem lost. So the store carries an id.
 */

import { randomUUID } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Log } from '../observe/log.ts';
import { isSystemError } from '../oci/system-error.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { StorageKey } from './blob-store.ts';
import { makeDirectory, syncDirectory } from './directories.ts';
import { createOnce } from './durable-files.ts';
import { storageFault } from './unavailable-storage.ts';

/** The directory of all that is stored; nobody else makes it. */
export const storePath = 'v1';
const markerPath = `${storePath}/store`;
const blobsPath = `${storePath}/blobs`;
/** How often it is looked for again while it is absent. */
const absentMs = 1000;

/** There is no store, or another one than the records are about. */
export class StoreAbsent extends UnavailableError {
  override readonly name = 'StoreAbsent';
  /** For those who run the server. */
  readonly reason: string;

  constructor(reason: string) {
    super(faultMessage);
    this.reason = reason;
  }
}

/** What stands between a store and the directory that it is in. */
export interface StoreGuard {
  /** What the last look found; costs nothing. @throws StoreAbsent */
  demand(): void;
  /** Looks now. @throws StoreAbsent */
  check(): Promise<void>;
}

/** What the records know of their store. */
export interface StoreRecords {
  find(): Promise<string | undefined>;
  /** Unless another is kept already. @returns which one is */
  keep(id: string): Promise<string>;
  /** Of some of the copies that are recorded. */
  listKeys(): Promise<readonly StorageKey[]>;
}

export interface StoreIdentityOptions {
  /** As of the store. */
  readonly root: string;
  readonly records: StoreRecords;
  readonly log: Log;
}

export class StoreIdentity implements StoreGuard {
  readonly #root: string;
  readonly #options: StoreIdentityOptions;
  /** Of the store that the records are about, once it is known. */
  #id: string | undefined;
  #reason: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: StoreIdentityOptions) {
    this.#root = resolve(options.root);
    this.#options = options;
  }

  /** Why nothing may be read or written, for clients; undefined: it may. */
  get fault(): string | undefined {
    return this.#reason === undefined ? undefined : faultMessage;
  }

  demand(): void {
    if (this.#reason !== undefined) throw new StoreAbsent(this.#reason);
  }

  /** As of StoreGuard. @throws also what the database throws, and the system where a store cannot be made */
  async check(): Promise<void> {
    const now = performance.now();
    if (this.#reason === undefined || now - this.#lookedAt >= absentMs) {
      this.#lookedAt = now;
      this.#note(await this.#findFault());
    }
    this.demand();
  }

  #note(reason: string | undefined): void {
    const { log } = this.#options;
    if (reason === this.#reason) return;
    this.#reason = reason;
    if (reason === undefined) log.info({ directory: this.#root }, 'the storage is there again');
    else log.error({ directory: this.#root, reason }, 'nothing is read from the storage or written to it');
  }

  async #findFault(): Promise<string | undefined> {
    let marker: string | undefined;
    try {
      marker = await findMarker(this.#root);
    } catch (error) {
      return `${markerPath} cannot be read: ${error instanceof Error ? error.message : String(error)}`;
    }
    if (marker !== undefined && marker === this.#id) return undefined;
    const { records } = this.#options;
    this.#id = (await records.find()) ?? (await this.#take(marker));
    if (this.#id === undefined)
      return `the directory is not the store of this database: nothing that is recorded is in it, or it belongs to another; ${remedy}`;
    const found = marker ?? (await findMarker(this.#root));
    if (found === this.#id) return undefined;
    return found === undefined
      ? `the store is not there: is its share mounted? ${markerPath} is missing; ${remedy}`
      : `this is the store ${found}, and the records are about ${this.#id}; ${remedy}`;
  }

  /** The first start, or that of the first version that asks. Undefined where it seems to belong to somebody else. */
  async #take(marker: string | undefined): Promise<string | undefined> {
    const { records } = this.#options;
    const keys = await records.listKeys();
    const isOurs =
      keys.length > 0
        ? await hasAny(this.#root, keys)
        : marker === undefined || (await isEmpty(join(this.#root, blobsPath)));
    return isOurs ? records.keep(marker ?? (await makeStore(this.#root))) : undefined;
  }
}

const faultMessage = 'the storage of blobs is not there: the log of the server says why';
const remedy = 'entrepot storage adopt makes it the store of this database, should you mean it';

/** Of the store in this directory, which is made where there is none. @throws the system's error */
export async function makeStore(root: string): Promise<string> {
  const path = join(root, markerPath);
  await makeDirectory(dirname(path));
  await createOnce(path, `${randomUUID()}\n`);
  // Another process may have made these without having synced them yet.
  for (const parent of [resolve(root), dirname(resolve(root))]) await syncDirectory(parent);
  const marker = await findMarker(root);
  if (marker === undefined) throw new Error(`${path} was removed as it was made`);
  return marker;
}

/** Undefined where there is no store. */
async function findMarker(root: string): Promise<string | undefined> {
  try {
    return (await readFile(join(root, markerPath), 'utf8')).trim() || undefined;
  } catch (error) {
    if (isSystemError(error, 'ENOENT', 'ENOTDIR')) return undefined;
    throw error;
  }
}

async function hasAny(root: string, keys: readonly StorageKey[]): Promise<boolean> {
  for (const key of keys) {
    const isThere = await stat(join(root, key)).then(
      () => true,
      (error: unknown) => {
        if (storageFault(error) === undefined) throw error;
        return false;
      },
    );
    if (isThere) return true;
  }
  return false;
}

async function isEmpty(blobs: string): Promise<boolean> {
  const names = await readdir(blobs, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    if (isSystemError(error, 'ENOENT')) return [];
    throw error;
  });
  return names.every((name) => name.isDirectory());
}

/** Of a store that no records are about. @param root is made */
export function anyStore(root: string): StoreGuard {
  return {
    demand: () => undefined,
    check: async () => {
      await makeDirectory(join(resolve(root), storePath));
    },
  };
}
