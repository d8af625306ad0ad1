/**
 * Rejects once the time is over; `work` itself goes on.
 * @param tooLate makes the error of its message
 */
export async function withinTime<T>(
  work: Promise<T>,
  ms: number,
  tooLate: (message: string) => Error,
): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(tooLate(`no answer within ${ms} ms`)), ms);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}
