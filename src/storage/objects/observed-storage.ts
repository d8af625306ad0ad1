/** A bucket whose calls are counted, and of which there are no more in a second than may be: calls and bytes are what clouds ask money for. */
import { createPace } from '../pace.ts';
import type { ObjectStorage } from './object-storage.ts';

export type StorageCall =
  | 'put'
  | 'begin'
  | 'part'
  | 'complete'
  | 'abort'
  | 'head'
  | 'get'
  | 'list'
  | 'delete';

export interface ObjectObserver {
  called(call: StorageCall, result: 'ok' | 'failed'): void;
  moved(direction: 'in' | 'out', bytes: number): void;
}

/** @param maxPerSecond undefined: as many as there are */
export function observeStorage(
  storage: ObjectStorage,
  observer: ObjectObserver,
  maxPerSecond: number | undefined,
): ObjectStorage {
  const pace = createPace(maxPerSecond);
  const call = async <T>(name: StorageCall, run: () => Promise<T>): Promise<T> => {
    await pace(1);
    try {
      const result = await run();
      observer.called(name, 'ok');
      return result;
    } catch (error) {
      observer.called(name, 'failed');
      throw error;
    }
  };
  const sent = async <T>(bytes: Uint8Array, sending: Promise<T>): Promise<T> => {
    const result = await sending;
    observer.moved('in', bytes.length);
    return result;
  };
  return {
    place: storage.place,
    limits: storage.limits,
    put: (key, bytes) =>
      sent(
        bytes,
        call('put', () => storage.put(key, bytes)),
      ),
    begin: (key) => call('begin', () => storage.begin(key)),
    putPart: (write, number, bytes, start) =>
      sent(
        bytes,
        call('part', () => storage.putPart(write, number, bytes, start)),
      ),
    complete: (write, parts) => call('complete', () => storage.complete(write, parts)),
    abort: (write) => call('abort', () => storage.abort(write)),
    head: (key) => call('head', () => storage.head(key)),
    async read(key, start, end, signal) {
      const chunks = await call('get', () => storage.read(key, start, end, signal));
      return chunks && counted(chunks, observer);
    },
    async *list(prefix) {
      await pace(1);
      observer.called('list', 'ok');
      yield* storage.list(prefix);
    },
    presign: (key, options) => storage.presign(key, options),
    delete: (key) => call('delete', () => storage.delete(key)),
    close: () => storage.close(),
  };
}

async function* counted(
  chunks: AsyncIterable<Uint8Array>,
  observer: ObjectObserver,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    observer.moved('out', chunk.length);
    yield chunk;
  }
}
