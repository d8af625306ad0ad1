const maxPauseMs = 10 * 60 * 1000;

/**
 * How long to wait after a try that failed: it doubles each time, up to ten minutes, and is never twice the same, so that what failed
 * together does not come back together.
 * @param failures of this event so far, from 1
 * @param random from 0 to 1
 */
export function backOff(failures: number, firstMs: number, random: number): number {
  const pauseMs = Math.min(maxPauseMs, firstMs * 2 ** Math.min(failures - 1, 30));
  return Math.round(pauseMs * (0.5 + random / 2));
}
