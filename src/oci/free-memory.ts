/**
 * Frees a chunk that has memory of its own, which nobody reads any more: left to the garbage collector, gigabytes of them cost as much as
 * their digest.
 */
export function freeMemory({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}
