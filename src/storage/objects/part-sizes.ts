/** How big parts are: they grow with the object, so that the biggest fits into as many as a cloud allows. */
import type { PartLimits } from './object-storage.ts';

const mib = 1024 * 1024;
/** A part is at least this share of what comes before it: 10,000 parts of 8 MiB at first are 450 GiB. */
const growth = 1 / 2000;
/** Early on, what a client sends in pieces may go up in parts that are smaller: there are enough of them. */
const freeParts = 1000;

export interface PartSizing {
  /** Of the first parts, in bytes. */
  readonly chunkBytes: number;
  readonly limits: PartLimits;
}

/** In bytes, a multiple of 1 MiB where the cloud does not say otherwise. @param start where the part begins, in bytes */
export function partBytesAt(start: number, { chunkBytes, limits }: PartSizing): number {
  const grown = Math.ceil((start * growth) / mib) * mib;
  return Math.min(limits.maxBytes, Math.max(limits.minBytes, chunkBytes, grown));
}

/** The least that may go up as a part while more is to come. @param parts there are so far */
export function leastPartBytes(parts: number, start: number, sizing: PartSizing): number {
  return parts < Math.min(freeParts, sizing.limits.maxParts / 10)
    ? sizing.limits.minBytes
    : partBytesAt(start, sizing);
}
