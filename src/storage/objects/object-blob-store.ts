/** Blobs in a bucket. Fills are spooled on the local disk, where many read them while they grow, and go up when they are verified. */
import type { Digest } from '../../oci/digest.ts';
import type { BlobReader, BlobStore, CopyTarget, Spool, StorageKey } from '../blob-store.ts';
import { SpoolError } from '../blob-store.ts';
import { uniqueName } from '../blob-tree.ts';
import type { ChunkSource } from '../chunk-reader.ts';
import { FilesystemSpool } from '../filesystem-spool.ts';
import type { LocalFile } from './local-spools.ts';
import { parseStorageKey } from './object-keys.ts';
import { ObjectReader } from './object-reader.ts';
import { type ObjectStoreTools, startWrite } from './object-upload-store.ts';
import type { ObjectWrite } from './object-write.ts';
import { partBytesAt } from './part-sizes.ts';
import { readFully } from './read-fully.ts';

export class ObjectBlobStore implements BlobStore, CopyTarget {
  readonly #tools: ObjectStoreTools;

  constructor(tools: ObjectStoreTools) {
    this.#tools = tools;
  }

  async createSpool(): Promise<Spool> {
    const { spools } = this.#tools;
    const local = await spools.create();
    const spool: Spool = new FilesystemSpool(local.file, 0, {
      publish: (digest) => this.#publish(local, spool.length, digest),
      remove: local.remove,
      leave: local.remove,
      space: spools.space,
    });
    return spool;
  }

  async open(storageKey: StorageKey, recorded?: number): Promise<BlobReader | undefined> {
    const { storage, store } = this.#tools;
    const key = parseStorageKey(store, storageKey);
    const size = recorded ?? (await storage.head(key))?.size;
    return size === undefined ? undefined : new ObjectReader(storage, key, size);
  }

  async delete(storageKey: StorageKey): Promise<void> {
    const key = parseStorageKey(this.#tools.store, storageKey);
    await this.#tools.storage.delete(key);
  }

  sweepSpools(): Promise<number> {
    return this.#tools.spools.sweep();
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

  async close(): Promise<void> {
    await this.#tools.spools.close();
    this.#tools.storage.close();
  }

  async #publish(local: LocalFile, size: number, digest: Digest): Promise<StorageKey> {
    try {
      return await this.copyIn(sourceOf(local), size, digest);
    } finally {
      await local.remove();
    }
  }

  /** Part by part, without a file in between. */
  async copyIn(source: ChunkSource, size: number, digest: Digest): Promise<StorageKey> {
    const write = await startWrite(this.#tools, uniqueName());
    if (!write) throw new Error('an id was given twice');
    try {
      await this.#putAll(write, source, size);
      return await write.commit(digest);
    } catch (error) {
      await write.abandon().catch(() => undefined);
      throw error;
    }
  }

  async #putAll(write: ObjectWrite, source: ChunkSource, size: number): Promise<void> {
    const { memory, sizing } = this.#tools;
    const isWhole = size <= partBytesAt(0, sizing) + sizing.limits.minBytes;
    for (let start = 0; start < size || start === 0; ) {
      const bytes = isWhole ? size : Math.min(partBytesAt(start, sizing), size - start);
      const release = await memory.take(bytes);
      try {
        const part = Buffer.allocUnsafeSlow(bytes);
        await readFully(source, part, start);
        await (isWhole ? write.putPiece(part, true) : write.putPart(part));
      } finally {
        release();
      }
      start += Math.max(1, bytes);
    }
    if (!isWhole) await write.seal();
  }
}

function sourceOf({ file }: LocalFile) {
  return {
    readAt: async (buffer: Uint8Array, position: number) =>
      (await file.read(buffer, 0, buffer.length, position)).bytesRead,
  };
}
