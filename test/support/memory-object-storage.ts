/** Objects in memory, with the rules of the real ones: parts that are too small, unknown or of another write are refused. */
import {
  type ObjectKey,
  type ObjectPart,
  type ObjectStorage,
  ObjectStorageError,
  type PartedWrite,
  type PartLimits,
  type StoredObject,
} from '../../src/storage/objects/object-storage.ts';

interface Begun {
  readonly key: ObjectKey;
  readonly parts: Map<number, Buffer>;
}

const mib = 1024 * 1024;

export class MemoryObjectStorage implements ObjectStorage {
  readonly place = 'memory://bucket';
  readonly limits: PartLimits;
  readonly objects = new Map<ObjectKey, { readonly bytes: Buffer; readonly writtenAt: number }>();
  /** By id. */
  readonly begun = new Map<string, Begun>();
  /** How often each call was made. */
  readonly calls: Partial<Record<keyof ObjectStorage, number>> = {};
  /** Thrown by every call that is told to. */
  failing: ((call: keyof ObjectStorage, key: ObjectKey) => Promise<void> | void) | undefined;
  #ids = 0;

  constructor(minBytes = 5 * mib) {
    this.limits = { minBytes, maxBytes: 1024 * mib, maxParts: 10_000 };
  }

  async #count(call: keyof ObjectStorage, key: ObjectKey): Promise<void> {
    this.calls[call] = (this.calls[call] ?? 0) + 1;
    await this.failing?.(call, key);
  }

  #refuse(call: string, why: string): ObjectStorageError {
    return new ObjectStorageError(
      'failing',
      { call, permission: 'memory', place: this.place },
      new Error(why),
    );
  }

  async put(key: ObjectKey, bytes: Uint8Array): Promise<void> {
    await this.#count('put', key);
    this.objects.set(key, { bytes: Buffer.from(bytes), writtenAt: Date.now() });
  }

  async begin(key: ObjectKey): Promise<string> {
    await this.#count('begin', key);
    this.#ids += 1;
    const id = `write-${this.#ids}`;
    this.begun.set(id, { key, parts: new Map() });
    return id;
  }

  async putPart({ key, id }: PartedWrite, number: number, bytes: Uint8Array): Promise<string> {
    await this.#count('putPart', key);
    const begun = this.begun.get(id);
    if (begun?.key !== key) throw this.#refuse('putPart', 'no such write');
    if (number < 1 || number > this.limits.maxParts || begun.parts.has(number))
      throw this.#refuse('putPart', `no number for a part: ${number}`);
    begun.parts.set(number, Buffer.from(bytes));
    return `tag-${number}-${bytes.length}`;
  }

  async complete({ key, id }: PartedWrite, parts: readonly ObjectPart[]): Promise<void> {
    await this.#count('complete', key);
    const begun = this.begun.get(id);
    if (!begun && this.objects.has(key)) return;
    const chunks = parts.map(({ number, size, tag }, index) => {
      const bytes = begun?.parts.get(number);
      if (!bytes || bytes.length !== size || tag !== `tag-${number}-${size}`)
        throw this.#refuse('complete', `no part ${number}`);
      if (number <= (parts[index - 1]?.number ?? 0))
        throw this.#refuse('complete', `part ${number} is out of order`);
      if (index < parts.length - 1 && size < this.limits.minBytes)
        throw this.#refuse('complete', `part ${number} is too small`);
      return bytes;
    });
    this.objects.set(key, { bytes: Buffer.concat(chunks), writtenAt: Date.now() });
    this.begun.delete(id);
  }

  async abort({ key, id }: { readonly key: ObjectKey; readonly id: string | undefined }): Promise<void> {
    await this.#count('abort', key);
    for (const [each, begun] of this.begun)
      if (begun.key === key && (id ?? each) === each) this.begun.delete(each);
  }

  async head(key: ObjectKey): Promise<StoredObject | undefined> {
    await this.#count('head', key);
    const object = this.objects.get(key);
    return object && { key, size: object.bytes.length, writtenAt: object.writtenAt };
  }

  async read(
    key: ObjectKey,
    start: number,
    end: number,
    signal?: AbortSignal,
  ): Promise<AsyncIterable<Uint8Array> | undefined> {
    await this.#count('read', key);
    signal?.throwIfAborted();
    const object = this.objects.get(key);
    if (!object) return undefined;
    if (start >= end || start >= object.bytes.length) throw this.#refuse('read', `no bytes ${start}-${end}`);
    return chunksOf(object.bytes.subarray(start, end));
  }

  async *list(prefix: string): AsyncGenerator<StoredObject, void, undefined> {
    await this.#count('list', prefix);
    for (const [key, { bytes, writtenAt }] of [...this.objects].sort(([a], [b]) => (a < b ? -1 : 1)))
      if (key.startsWith(prefix)) yield { key, size: bytes.length, writtenAt };
  }

  async presign(key: ObjectKey): Promise<string> {
    return `memory:${key}`;
  }

  async delete(key: ObjectKey): Promise<void> {
    await this.#count('delete', key);
    this.objects.delete(key);
  }

  close(): void {}
}

const chunkBytes = 65_537;

async function* chunksOf(bytes: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  for (let at = 0; at < bytes.length; at += chunkBytes) yield bytes.subarray(at, at + chunkBytes);
}
