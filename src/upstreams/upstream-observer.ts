/** Who is told what upstreams are asked and how they answer: the metrics. */
import type { OutboundErrorKind } from '../outbound/outbound-error.ts';
import type { BreakerState, Quota } from './upstream.ts';

export type UpstreamRequestKind =
  | 'manifest-head'
  | 'manifest'
  | 'blob-head'
  | 'blob'
  | 'tags'
  | 'catalog'
  | 'referrers'
  | 'push'
  | 'delete'
  | 'token';

/** @param upstream in all of them: its id as text. */
export interface UpstreamObserver {
  /** A request ended; for blobs: their headers came. Requests that an open breaker kept from being sent are not told. */
  request(
    upstream: string,
    kind: UpstreamRequestKind,
    result: 'ok' | OutboundErrorKind,
    seconds: number,
  ): void;
  /** A time-out of ours ended something. @param limit the setting that says so */
  timedOut(upstream: string, limit: string): void;
  /** Bytes of blobs that arrived since it was last told. */
  bytes(upstream: string, count: number): void;
  breaker(upstream: string, state: BreakerState): void;
  quota(upstream: string, quota: Quota): void;
  /** It is deleted or not used: how it is doing is not known any more. */
  forgotten(upstream: string): void;
}

export const unobserved: UpstreamObserver = {
  request: () => undefined,
  timedOut: () => undefined,
  bytes: () => undefined,
  breaker: () => undefined,
  quota: () => undefined,
  forgotten: () => undefined,
};
