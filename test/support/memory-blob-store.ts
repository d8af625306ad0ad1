/** Bytes in memory, with the keys and rules of the real stores: for tests of many steps. */
import { randomUUID } from 'node:crypto';
import type { Digest } from '../../src/oci/digest.ts';
import type { BlobReader, BlobStore, Spool, StorageKey } from '../../src/storage/blob-store.ts';
import type { UploadStore } from '../../src/storage/upload-store.ts';

export class MemoryBlobStore implements BlobStore, UploadStore {
  /** By key. */
  readonly blobs = new Map<StorageKey, Buffer>();
  openReaders = 0;
  readonly #uploads = new Map<string, Buffer>();

  async createSpool(): Promise<Spool> {
    return this.#spool(Buffer.alloc(0), () => undefined);
  }

  async openUpload(id: string): Promise<Spool> {
    return this.#spool(this.#uploads.get(id) ?? Buffer.alloc(0), (bytes) => {
      if (bytes) this.#uploads.set(id, bytes);
      else this.#uploads.delete(id);
    });
  }

  /** @param leave is told what stays at the end: undefined where it was committed or aborted */
  #spool(start: Buffer, leave: (bytes: Buffer | undefined) => void): Spool {
    let bytes = start;
    let isOver = false;
    return {
      get length() {
        return bytes.length;
      },
      async append(...chunks) {
        bytes = Buffer.concat([bytes, ...chunks]);
      },
      readAt: async (buffer, position) => bytes.copy(buffer, 0, position),
      commit: async (digest: Digest) => {
        isOver = true;
        const key = `${digest}/${randomUUID()}`;
        this.blobs.set(key, bytes);
        return key;
      },
      async abort() {
        isOver = true;
      },
      async close() {
        leave(isOver ? undefined : bytes);
      },
    };
  }

  async open(key: StorageKey): Promise<BlobReader | undefined> {
    const bytes = this.blobs.get(key);
    if (!bytes) return undefined;
    this.openReaders += 1;
    return {
      size: bytes.length,
      readAt: async (buffer, position) => bytes.copy(buffer, 0, position),
      close: async () => {
        this.openReaders -= 1;
      },
    };
  }

  async delete(key: StorageKey): Promise<void> {
    this.blobs.delete(key);
  }

  sweepSpools = async () => 0;
  check = async () => undefined;
  demandRoom = async () => undefined;

  async uploadLength(id: string): Promise<number> {
    return this.#uploads.get(id)?.length ?? 0;
  }

  async removeUpload(id: string): Promise<void> {
    this.#uploads.delete(id);
  }

  async listUploads(): Promise<readonly string[]> {
    return [...this.#uploads.keys()];
  }
}
