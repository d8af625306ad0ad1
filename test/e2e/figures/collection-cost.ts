/** The time to collect the same garbage in two stores of different size, one after the other and again. */
import { openDatabase } from '../../../src/metadata/db/database.ts';
import { collectorOf } from '../../support/collecting.ts';
import type { DatabasePlace } from '../../support/databases.ts';
import { createRepository } from '../../support/hosted-records.ts';
import { silentLog } from '../../support/silent-log.ts';
import { type Figure, median } from '../support/figure.ts';
import { execute, garbage, heldBlobs } from './raw-rows.ts';

const maxRatio = 1.5;

/** @param places of the small and of the big one, both empty */
export async function collectionCost(
  name: string,
  places: readonly DatabasePlace[],
  sizes: { readonly small: number; readonly big: number; readonly garbage: number },
  runs: number,
  patience: number,
): Promise<Figure> {
  const stores = [];
  for (const [index, place] of places.entries()) {
    const database = await openDatabase({ ...place, log: silentLog, now: Date.now });
    const { id } = await createRepository(database, 'acme/big');
    await execute(place, heldBlobs(place, id, index === 0 ? sizes.small : sizes.big));
    stores.push({ place, database, id, times: [] as number[] });
  }
  // The first time is for caches to be filled.
  for (let run = 0; run <= runs; run += 1) {
    for (const { place, database, id, times } of stores) {
      await execute(place, garbage(place, id, run * sizes.garbage, sizes.garbage));
      const store = { delete: async () => undefined };
      const startedAt = performance.now();
      const counts = await collectorOf({ database, store, clock: { now: Date.now() } }).run();
      if (run > 0) times.push(performance.now() - startedAt);
      if (counts.blobs !== sizes.garbage) throw new Error(`${counts.blobs} blobs were collected`);
    }
  }
  for (const { database } of stores) await database.close();
  const [small = Number.NaN, big = Number.NaN] = stores.map(({ times }) => median(times));
  const ratio = big / small;
  return {
    what: `${name}: ${sizes.garbage} blobs collected among ${sizes.big}, and among ${sizes.small}`,
    bound: `${maxRatio * patience} × the time`,
    measured: `${ratio.toFixed(2)} × (${Math.round(big)} ms, ${Math.round(small)} ms)`,
    holds: ratio <= maxRatio * patience,
  };
}
