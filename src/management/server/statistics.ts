/** What was pulled, fetched and saved, what is stored, and what is on its way, for administrators. */
import type { Database } from '../../metadata/db/database.ts';
import type { TrafficPeriod, TrafficRecord } from '../../metadata/server/traffic.ts';
import type { ToldFill } from '../../proxy/fill-observer.ts';
import type { Actor } from '../acting/actor.ts';
import { demandAdministrator } from '../acting/rights.ts';

export interface StatisticsServiceOptions {
  readonly database: Pick<Database, 'traffic' | 'cacheSizes' | 'storedBlobs'>;
  /** Has this process record what it counted since it did so last. */
  readonly recordTraffic: () => Promise<void>;
  /** Of all processes. */
  readonly listFills: () => Promise<readonly ToldFill[]>;
}

export interface StoredBytes {
  readonly cachedBytes: number;
  /** Of blobs that no cache entry links. */
  readonly hostedBytes: number;
}

export class StatisticsService {
  readonly #options: StatisticsServiceOptions;

  constructor(options: StatisticsServiceOptions) {
    this.#options = options;
  }

  /** The oldest step first. @throws RefusedError unauthorized, forbidden */
  async traffic(actor: Actor, period: TrafficPeriod): Promise<readonly TrafficRecord[]> {
    demandAdministrator(actor, 'read');
    const { database, recordTraffic } = this.#options;
    await recordTraffic();
    return database.traffic.list(period);
  }

  /** Each blob counted once. @throws RefusedError unauthorized, forbidden */
  async storage(actor: Actor): Promise<StoredBytes> {
    demandAdministrator(actor, 'read');
    const { cacheSizes, storedBlobs } = this.#options.database;
    const [cachedBytes, storedBytes] = await Promise.all([cacheSizes.bytesOf('all'), storedBlobs.sumBytes()]);
    return { cachedBytes, hostedBytes: Math.max(0, storedBytes - cachedBytes) };
  }

  /** @throws RefusedError unauthorized, forbidden */
  async fills(actor: Actor): Promise<readonly ToldFill[]> {
    demandAdministrator(actor, 'read');
    return this.#options.listFills();
  }
}
