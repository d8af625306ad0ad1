/** Waiting for no longer than one wants to. */
import { OutboundError } from './outbound-error.ts';

/** How long something may take in all, and the setting that says so. */
export interface Limit {
  readonly ms: number;
  readonly setting: string;
}

/**
 * Once `work` has ended the deadline is over: what goes on by the same signal, such as the rest of a transfer, has no end but the caller's.
 * @throws OutboundError that names the setting, when `work` heeds its signal and takes longer
 */
export async function withDeadline<T>(
  { ms, setting }: Limit,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = new AbortController();
  const timer = setTimeout(() => {
    const message = `did not answer within ${ms / 1000} s`;
    deadline.abort(new OutboundError('unavailable', message, { limit: setting }));
  }, ms);
  try {
    return await work(signal ? AbortSignal.any([signal, deadline.signal]) : deadline.signal);
  } finally {
    clearTimeout(timer);
  }
}
