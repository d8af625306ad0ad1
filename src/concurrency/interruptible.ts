/**
 * Yields the items until the signal is aborted, even while the next one does not come. The iterator is left as it is then, and also
 * where the reader leaves: it belongs to whoever made it, who may have to answer first.
 * @throws the signal's reason
 */
export async function* interruptible<T>(
  items: AsyncIterable<T>,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const iterator = items[Symbol.asyncIterator]();
  // All items share one listener: a promise that all of them raced against would keep each of them in memory.
  let interrupt: ((reason: unknown) => void) | undefined;
  const listener = () => interrupt?.(signal.reason);
  signal.addEventListener('abort', listener);
  try {
    for (;;) {
      signal.throwIfAborted();
      const next = await new Promise<IteratorResult<T>>((resolve, reject) => {
        interrupt = reject;
        iterator.next().then(resolve, reject);
      });
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', listener);
  }
}
