/** Holds whoever does something back, so that there is no more of it in a second than may be. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for the next moment that is free; a second's worth may come at once. @param amount of what is counted */
export type Pace = (amount: number) => Promise<void>;

/** @param perSecond undefined: nobody waits */
export function createPace(perSecond: number | undefined): Pace {
  if (perSecond === undefined) return async () => undefined;
  let next = 0;
  return async (amount) => {
    const now = performance.now();
    next = Math.max(next, now - 1000) + (amount * 1000) / perSecond;
    if (next > now) await sleep(next - now);
  };
}
