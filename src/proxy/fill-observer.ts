import type { Digest } from '../oci/digest.ts';

/** A fill as others see it. */
export interface RunningFill {
  readonly digest: Digest;
  /** Undefined where nobody says. */
  readonly size: number | undefined;
  /** Bytes that readers may have now. */
  readonly visible: number;
  /** How many read it now. */
  readonly readers: number;
  /** Where the bytes come from now; undefined: another process of ours. */
  readonly upstreamSource:
    | { readonly repository: string; readonly upstream: { readonly settings: { readonly id: number } } }
    | undefined;
}

/** A fill as people and other processes are told of it. */
export interface ToldFill {
  readonly digest: string;
  /** Undefined where another process fetches it, and the repository with it. */
  readonly upstreamId?: number | undefined;
  readonly repository?: string | undefined;
  readonly receivedBytes: number;
  readonly size?: number | undefined;
  readonly readers: number;
}

export function tellFill({ digest, upstreamSource, visible, size, readers }: RunningFill): ToldFill {
  const [upstreamId, repository] = [upstreamSource?.upstream.settings.id, upstreamSource?.repository];
  return { digest, upstreamId, repository, receivedBytes: visible, size, readers };
}

/** What fills tell the metrics. */
export interface FillObserver {
  /** @param fill undefined: nothing can be written, and the bytes are passed on */
  started(fill?: RunningFill): void;
  /** A client joined a fill that was running. */
  followed(): void;
  /** A broken transfer was taken up again. */
  resumed(): void;
  finished(result: 'completed' | 'failed' | 'uncached', fill?: RunningFill): void;
  /** Bytes added to (or, negative, gone from) the spool. */
  spooled(deltaBytes: number): void;
}

export const unwatched: FillObserver = {
  started: () => undefined,
  followed: () => undefined,
  resumed: () => undefined,
  finished: () => undefined,
  spooled: () => undefined,
};
