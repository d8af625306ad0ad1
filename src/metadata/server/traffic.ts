/** How much was pulled, asked of upstreams and sent, in steps of time: what all processes counted, added up. */
import { type Kysely, sql } from 'kysely';
import { inTransaction } from '../db/in-transaction.ts';
import type { RecordOf, Tables } from '../db/tables.ts';

/** primary key (stepSeconds, startedAt, series) */
export interface TrafficTable {
  stepSeconds: number;
  /** When the step began; epoch milliseconds. */
  startedAt: number;
  /** What was counted, such as `pulls/hit`. */
  series: string;
  amount: number;
}

export type TrafficRecord = Readonly<Omit<RecordOf<TrafficTable>, 'stepSeconds'>>;

/** For how long back there are numbers, and how fine: about a hundred steps each. */
export const trafficPeriods = {
  '1h': { seconds: 3600, stepSeconds: 60 },
  '24h': { seconds: 86_400, stepSeconds: 900 },
  '30d': { seconds: 2_592_000, stepSeconds: 21_600 },
} as const;

export type TrafficPeriod = keyof typeof trafficPeriods;

export class Traffic {
  readonly #db: Kysely<Tables>;
  readonly #now: () => number;

  constructor(db: Kysely<Tables>, now: () => number) {
    this.#db = db;
    this.#now = now;
  }

  /** Adds to the steps that it is now, and removes those that are too old to be asked for. */
  add(amounts: ReadonlyMap<string, number>): Promise<void> {
    // In one order, so that processes do not wait for each other in a circle.
    const sorted = [...amounts].sort(([one], [other]) => (one < other ? -1 : 1));
    return inTransaction(this.#db, async (tx) => {
      for (const { seconds, stepSeconds } of Object.values(trafficPeriods)) {
        const startedAt = this.#stepOf(stepSeconds);
        for (const [series, amount] of sorted)
          await tx
            .insertInto('traffic')
            .values({ stepSeconds, startedAt, series, amount })
            .onConflict((conflict) =>
              conflict
                .columns(['stepSeconds', 'startedAt', 'series'])
                .doUpdateSet({ amount: sql<number>`traffic.amount + ${amount}` }),
            )
            .execute();
        await tx
          .deleteFrom('traffic')
          .where('stepSeconds', '=', stepSeconds)
          .where('startedAt', '<=', startedAt - seconds * 1000)
          .execute();
      }
    });
  }

  /** What there is of a period that ends now, the oldest step first; a step in which nothing happened is not there. */
  async list(period: TrafficPeriod): Promise<readonly TrafficRecord[]> {
    const { seconds, stepSeconds } = trafficPeriods[period];
    return this.#db
      .selectFrom('traffic')
      .select(['startedAt', 'series', 'amount'])
      .where('stepSeconds', '=', stepSeconds)
      .where('startedAt', '>', this.#stepOf(stepSeconds) - seconds * 1000)
      .orderBy('startedAt')
      .orderBy('series')
      .execute();
  }

  #stepOf(seconds: number): number {
    return Math.floor(this.#now() / (seconds * 1000)) * seconds * 1000;
  }
}
