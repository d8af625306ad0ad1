/**
 * Whether a bucket can be used, and is the one that the records are about: another one, or another root in it, would seem to have lost all
 * that is recorded.
 */
import { randomUUID } from 'node:crypto';
import { uniqueName } from '../blob-tree.ts';
import { StoreAbsent, type StoreGuard, type StoreRecords } from '../store-identity.ts';
import { markerKey, objectKeyOf } from './object-keys.ts';
import { type ObjectStorage, ObjectStorageError } from './object-storage.ts';
import { readObject } from './read-fully.ts';

/** A look is a request that costs money: one is good for so long. */
const lookMs = 15_000;

export interface BucketIdentityOptions {
  readonly storage: ObjectStorage;
  readonly records: Pick<StoreRecords, 'find' | 'keep'>;
}

export class BucketIdentity implements StoreGuard {
  readonly #options: BucketIdentityOptions;
  #reason: string | undefined;
  #lookedAt = Number.NEGATIVE_INFINITY;

  constructor(options: BucketIdentityOptions) {
    this.#options = options;
  }

  /** Why nothing may be read or written, for clients; undefined: it may. */
  get fault(): string | undefined {
    return this.#reason === undefined ? undefined : new StoreAbsent(this.#reason).message;
  }

  demand(): void {
    if (this.#reason !== undefined) throw new StoreAbsent(this.#reason);
  }

  async check(): Promise<void> {
    if (performance.now() - this.#lookedAt >= lookMs) {
      this.#lookedAt = performance.now();
      this.#reason = await this.#findFault();
    }
    this.demand();
  }

  /** Does once all that the server does there. @throws ObjectStorageError, of what is missing */
  async tryAll(): Promise<void> {
    const { storage } = this.#options;
    const key = objectKeyOf(uniqueName(), 1);
    await storage.put(key, Buffer.of(1));
    await storage.head(key);
    await readObject(storage, key, Buffer.alloc(1));
    await storage.delete(key);
    await storage.abort({ key, id: await storage.begin(key) });
    for await (const _ of storage.list(key)) break;
  }

  async #findFault(): Promise<string | undefined> {
    const { storage, records } = this.#options;
    try {
      const recorded = await records.find();
      const found = (await this.#findMarker()) ?? (recorded === undefined ? await this.#make() : undefined);
      if (found === undefined)
        return `${storage.place} has no ${markerKey}: it is not the store of this database, or what was in it is gone`;
      const id = recorded ?? (await records.keep(found));
      return id === found
        ? undefined
        : `${storage.place} is the store ${found}, and the records are about ${id}`;
    } catch (error) {
      if (error instanceof ObjectStorageError) return error.reason;
      throw error;
    }
  }

  async #findMarker(): Promise<string | undefined> {
    const { storage } = this.#options;
    const found = await storage.head(markerKey);
    if (!found || found.size > 100) return undefined;
    const bytes = Buffer.alloc(found.size);
    await readObject(storage, markerKey, bytes);
    return bytes.toString().trim();
  }

  async #make(): Promise<string> {
    const id = randomUUID();
    await this.#options.storage.put(markerKey, Buffer.from(`${id}\n`));
    return id;
  }
}
