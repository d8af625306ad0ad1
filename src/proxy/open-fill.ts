/** Begins a fill: room for its bytes, and the first that gives them. */
import { StoredMeanwhile } from '../cluster/shared-fill.ts';
import type { Digest } from '../oci/digest.ts';
import { type Spool, SpoolError } from '../storage/blob-store.ts';
import type { BufferBudget } from '../storage/chunk-reader.ts';
import { Download, type DownloadTools } from './download.ts';
import { Fill } from './fill.ts';
import { PeerFill } from './shared/peer-fill.ts';
import type { Source } from './source.ts';

export interface OpenFillTools extends DownloadTools {
  createSpool(): Promise<Spool>;
  /** @throws SpoolError where so many bytes do not fit */
  demandRoom(bytes: number): Promise<void>;
  readonly buffers: BufferBudget;
}

export interface WantedFill {
  readonly digest: Digest;
  /** In the order they are asked. */
  readonly sources: readonly Source[];
  /** In bytes, for an upstream that does not say. */
  readonly sizeHint: number | undefined;
  /** Undefined: no other process is asked. */
  readonly peer: PeerFill | undefined;
}

export interface OpenedFill {
  /** Held for the caller. */
  readonly fill: Fill;
  /** Which of the sources has the right to it. */
  readonly source: Source;
  /** Where another process fetches it. */
  readonly peer: PeerFill | undefined;
}

/** 'uncached': nothing can be written, and each client downloads for itself; 'look-again': it was stored meanwhile. */
export type NoFill = 'uncached' | 'look-again';

/** @throws OciError when no source has the blob */
export async function openFill(
  tools: OpenFillTools,
  wanted: WantedFill,
  signal: AbortSignal,
): Promise<OpenedFill | NoFill> {
  const { observer, buffers, log } = tools;
  const { digest, sizeHint } = wanted;
  let spool: Spool | undefined;
  let download: Download | undefined;
  try {
    spool = await tools.createSpool();
    const begun = await begin(tools, wanted, signal);
    download = begun.download;
    await tools.demandRoom(download.size ?? sizeHint ?? 0);
    const fill = new Fill(digest, download, sizeHint, spool, { observer, buffers });
    fill.hold();
    return { fill, ...begun };
  } catch (error) {
    download?.close();
    await spool?.abort();
    await spool?.close();
    if (error instanceof StoredMeanwhile) return 'look-again';
    if (!(error instanceof SpoolError)) throw error;
    observer.started();
    observer.finished('uncached');
    log.error({ digest, err: error }, 'nothing can be written: blobs are passed on uncached');
    return 'uncached';
  }
}

async function begin(
  tools: DownloadTools,
  { digest, sources, sizeHint, peer }: WantedFill,
  signal: AbortSignal,
): Promise<{ download: Download; source: Source; peer: PeerFill | undefined }> {
  const whole = { start: 0, size: sizeHint };
  const download = await Download.open(tools, digest, sources, whole, signal, peer);
  if (!(download.source instanceof PeerFill)) return { download, source: download.source, peer: undefined };
  const source = await peer?.findProof(sources, digest, signal).catch(() => undefined);
  if (source) return { download, source, peer };
  download.close();
  await peer?.shared.leave();
  return begin(tools, { digest, sources, sizeHint, peer: undefined }, signal);
}
