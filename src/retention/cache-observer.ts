/** What the bounds of the cache tell the metrics. */
export interface CacheObserver {
  /** @param bytes the sizes of the entries together */
  evicted(reason: 'size' | 'age', entries: number, bytes: number): void;
  /** A blob was passed on and not kept: there was no room for it. */
  notKept(bytes: number): void;
}
