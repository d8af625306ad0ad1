import { setTimeout as sleep } from 'node:timers/promises';

/** Tries until it no longer throws, for what happens a moment after the answer. */
export async function eventually<T>(attempt: () => T | Promise<T>, timeoutMs = 60_000): Promise<T> {
  const endsAt = Date.now() + timeoutMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() > endsAt) throw error;
      await sleep(20);
    }
  }
}
