/** Wires what the server looks at before it says that it is ready. */
import type { Check } from '../api/operations/readiness.ts';
import type { SharedCache } from '../cache/shared.ts';
import type { Database } from '../metadata/db/database.ts';
import { UnavailableError } from '../oci/unavailable.ts';
import type { Stores } from './storage.ts';

export interface CheckedParts {
  readonly database: Database;
  readonly stores: Pick<Stores, 'identity' | 'store' | 'space'>;
  readonly shared: SharedCache;
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly now: () => number;
}

const probeKey = 'write_probe';

export function createChecks({
  database,
  stores: { identity, store, space },
  shared,
  readOnlyReason,
  now,
}: CheckedParts): Readonly<Record<string, Check>> {
  return {
    database_read: { needed: 'serving', run: () => database.check() },
    storage_read: { needed: 'serving', run: () => identity.check() },
    database_write: {
      needed: 'storing',
      async run() {
        const reason = await readOnlyReason();
        if (reason !== undefined) throw new UnavailableError('read-only mode');
        // A row that is rolled back would not reach the disk.
        await database.instance.set(probeKey, String(now()));
      },
    },
    storage_write: {
      needed: 'storing',
      async run() {
        await space.demand(1);
        await store.check();
      },
    },
    ...(shared.counters && { shared_cache: { needed: undefined, run: () => shared.check() } }),
  };
}
