/** Waiting for no longer than one wants to. */
import { UpstreamError } from './errors.ts';

/** Rejects with the signal's reason once it aborts; `work` itself goes on, for it may be others' too. */
export async function untilAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  const { promise, reject } = Promise.withResolvers<never>();
  const give = () => reject(signal.reason);
  if (signal.aborted) give();
  signal.addEventListener('abort', give, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', give);
  }
}

/** @throws UpstreamError timedOut when `work` heeds its signal and takes longer than `ms`. */
export async function withDeadline<T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const deadline = AbortSignal.timeout(ms);
  try {
    return await work(signal ? AbortSignal.any([signal, deadline]) : deadline);
  } catch (cause) {
    if (!deadline.aborted || cause !== deadline.reason) throw cause;
    throw new UpstreamError('unavailable', `did not answer within ${ms / 1000} s`, { timedOut: true, cause });
  }
}
