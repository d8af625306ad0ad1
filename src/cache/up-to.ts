/**
 * Of an LRUCache that takes memory as it fills, by so many entries at most. By `max` it takes memory for all of them when it is made, which
 * is a tenth of what an idle server has.
 */
export function upTo(entries: number) {
  return { maxSize: entries, sizeCalculation: () => 1 } as const;
}
