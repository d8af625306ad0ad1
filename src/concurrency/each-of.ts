/** Works on many things, some at a time, in their order. */

/** @throws what a work throws first, once those that were begun have ended; nothing more is begun then */
export async function eachOf<T>(
  things: Iterable<T> | AsyncIterable<T>,
  maxAtOnce: number,
  work: (thing: T) => Promise<void>,
): Promise<void> {
  const shared = inOrder(things);
  const worker = async () => {
    // Who fails ends the list for the others.
    for await (const thing of shared) await work(thing);
  };
  const workers = await Promise.allSettled(Array.from({ length: maxAtOnce }, worker));
  for (const ended of workers) if (ended.status === 'rejected') throw ended.reason;
}

async function* inOrder<T>(things: Iterable<T> | AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
  yield* things;
}
