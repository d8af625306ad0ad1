/** Fills buffers, where a read may give less than is asked for. */
import type { ChunkSource } from '../chunk-reader.ts';
import type { ObjectKey, ObjectReading } from './object-storage.ts';

/** @throws Error where the source ends before the buffer is full, and what the source throws */
export async function readFully(source: ChunkSource, into: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < into.length; ) {
    const bytes = await source.readAt(into.subarray(done), position + done);
    if (bytes === 0) throw new Error(`the bytes end at ${position + done}`);
    done += bytes;
  }
}

/** The bytes of an object from `start` on. @throws ObjectStorageError; Error where it has gone or is shorter */
export async function readObject(
  storage: Pick<ObjectReading, 'read'>,
  key: ObjectKey,
  into: Uint8Array,
  start = 0,
): Promise<void> {
  let done = 0;
  for await (const chunk of (await storage.read(key, start, start + into.length)) ?? []) {
    into.set(chunk, done);
    done += chunk.length;
  }
  if (done < into.length) throw new Error(`the object ${key} ends at ${start + done}`);
}
