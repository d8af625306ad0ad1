/** Which process fetches a blob that several are asked for. One that dies loses it to the first that notices, or with its time. */
import { type Kysely, sql } from 'kysely';
import type { RecordOf, Tables } from '../db/tables.ts';

export interface FillLeaseTable {
  /** The primary key: where the blob is fetched from, and its digest. */
  key: string;
  /** The process that fetches it. */
  owner: string;
  /** Where others reach the owner, as host:port. */
  address: string;
  /** Another one with each owner: who has an older one has lost the lease. */
  fence: number;
  /** The owner is taken for dead from then on; epoch milliseconds. */
  expiresAt: number;
}

export type FillLease = RecordOf<FillLeaseTable>;

/** Rows of processes that died are kept for so long, to no use. */
const keptMs = 3_600_000;
const maxTries = 3;

export class FillLeases {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /**
   * Takes it where nobody has it, or only who is taken for dead.
   * @param dead a lease whose owner could not be reached, whatever its time
   * @returns the lease that holds now, and whether it was taken by this very call; undefined where it comes and goes all the time
   */
  async take(
    key: string,
    { owner, address }: Pick<FillLease, 'owner' | 'address'>,
    leaseMs: number,
    dead?: FillLease,
  ): Promise<{ readonly lease: FillLease; readonly isTaken: boolean } | undefined> {
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const now = this.#now();
      const values = { owner, address, expiresAt: now + leaseMs };
      const taken = await this.#db
        .insertInto('fillLeases')
        .values({ key, ...values, fence: 1 })
        .onConflict((conflict) =>
          conflict
            .column('key')
            .doUpdateSet({ ...values, fence: sql<number>`fill_leases.fence + 1` })
            .where((eb) =>
              eb.or([
                eb('fillLeases.expiresAt', '<=', now),
                eb.and([
                  eb('fillLeases.owner', '=', dead?.owner ?? ''),
                  eb('fillLeases.fence', '=', dead?.fence ?? 0),
                ]),
              ]),
            ),
        )
        .returningAll()
        .executeTakeFirst();
      if (taken) return { lease: taken, isTaken: true };
      const lease = await this.#db
        .selectFrom('fillLeases')
        .selectAll()
        .where('key', '=', key)
        .executeTakeFirst();
      if (lease) return { lease, isTaken: false };
    }
    return undefined;
  }

  /** Whether it is still who has it, be it out of time. */
  async isHeld(lease: FillLease): Promise<boolean> {
    const row = await this.#db
      .selectFrom('fillLeases')
      .select('key')
      .where('key', '=', lease.key)
      .where('owner', '=', lease.owner)
      .where('fence', '=', lease.fence)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Of those that the owner still has; removes what others left long ago. */
  async renew(owner: string, keys: readonly string[], leaseMs: number): Promise<void> {
    const now = this.#now();
    await this.#db
      .updateTable('fillLeases')
      .set({ expiresAt: now + leaseMs })
      .where('owner', '=', owner)
      .where('key', 'in', [...keys])
      .execute();
    await this.#db
      .deleteFrom('fillLeases')
      .where('expiresAt', '<=', now - keptMs)
      .execute();
  }

  /** Does nothing where another has it meanwhile. */
  async release(lease: FillLease): Promise<void> {
    await this.#db
      .deleteFrom('fillLeases')
      .where('key', '=', lease.key)
      .where('owner', '=', lease.owner)
      .where('fence', '=', lease.fence)
      .execute();
  }
}
