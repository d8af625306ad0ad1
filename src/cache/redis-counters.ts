/** Counts that several processes add to, in Redis: each lasts for its window, from the first that was counted. */
import type KeyvRedis from '@keyv/redis';

/** How a count stands after what was added. */
export interface SharedCount {
  readonly total: number;
  /** Until it begins again at nothing. */
  readonly endsInMs: number;
}

export interface SharedCounters {
  /** What cannot be added now, for whatever reason, is not in the answer. @param changes by key; may be negative */
  add(changes: ReadonlyMap<string, number>, windowMs: number): Promise<ReadonlyMap<string, SharedCount>>;
}

const prefix = 'entrepot:count:';

/** Commands of one turn go out together, so that this is one round trip. @throws where Redis does not answer */
export async function addInRedis(
  store: KeyvRedis<string>,
  changes: ReadonlyMap<string, number>,
  windowMs: number,
): Promise<ReadonlyMap<string, SharedCount>> {
  const client = await store.getClient();
  const answers = await Promise.all(
    [...changes].map(async ([key, change]) => {
      const name = prefix + key;
      const [, total, endsInMs] = await Promise.all([
        client.set(name, '0', { condition: 'NX', expiration: { type: 'PX', value: windowMs } }),
        client.incrBy(name, change),
        client.pTTL(name),
      ]);
      return { key, total, endsInMs };
    }),
  );
  const counts = new Map<string, SharedCount>();
  for (const { key, total, endsInMs } of answers) {
    // Ended between two of the commands: what INCRBY then made has no end, and is taken back.
    if (endsInMs < 0) await client.del(prefix + key);
    else counts.set(key, { total, endsInMs });
  }
  return counts;
}
