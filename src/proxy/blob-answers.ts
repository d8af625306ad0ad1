/** The two ways a blob reaches a client that is not stored: from a fill, or straight through where nothing can be stored. */
import type { Hash } from 'node:crypto';
import { algorithmOf, type Digest, hasherOf } from '../oci/digest.ts';
import type { BlobAnswer, Outcome } from '../oci/repository.ts';
import { Download, type DownloadTools } from './download.ts';
import { type Fill, verified } from './fill.ts';
import type { Source } from './source.ts';

/** A range that starts further ahead of a fill than this is asked of the upstream by itself. */
const maxWaitBytes = 16 * 1024 * 1024;

/** @param fill held for this answer, which releases it */
export function fillingBlob(
  outcome: Outcome,
  fill: Fill,
  sources: readonly Source[],
  tools: DownloadTools,
): BlobAnswer {
  let isHeld = true;
  return {
    digest: fill.digest,
    size: fill.size,
    outcome,
    read(start, end, signal) {
      if (start > fill.visible + maxWaitBytes)
        return part(tools, fill.digest, sources, start, end, undefined, signal);
      return fill.read(
        start,
        end,
        (position, hash) => part(tools, fill.digest, sources, position, end, hash, signal),
        signal,
      );
    },
    async close() {
      if (isHeld) await fill.release();
      isHeld = false;
    },
  };
}

/** Nothing is stored: one download per client, verified on the way where the client reads all of it. */
export function uncachedBlob(
  digest: Digest,
  size: number | undefined,
  sources: readonly Source[],
  tools: DownloadTools,
): BlobAnswer {
  return {
    digest,
    size,
    outcome: 'miss',
    read(start, end, signal) {
      const isWhole = start === 0 && (end === undefined || end === size);
      const hash = isWhole ? hasherOf(algorithmOf(digest)) : undefined;
      return part(tools, digest, sources, start, isWhole ? undefined : end, hash, signal);
    },
    close: async () => undefined,
  };
}

async function* part(
  tools: DownloadTools,
  digest: Digest,
  sources: readonly Source[],
  start: number,
  end: number | undefined,
  hash: Hash | undefined,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array, void, undefined> {
  const last = end === undefined ? undefined : end - 1;
  const download = await Download.open(tools, digest, sources, { start, last }, signal);
  yield* hash ? verified(download.chunks(), digest, hash) : download.chunks();
}
