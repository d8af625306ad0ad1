/** COLLECTOR_SEED for the same worlds again. */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/metadata/db/database.ts';
import { collectorStep } from '../support/collector-steps.ts';
import { type Collecting, CollectorWorld } from '../support/collector-world.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const seed = Number(process.env['COLLECTOR_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const worlds = { SQLite: 100, PostgreSQL: 10 };
const dayMs = 24 * 3_600_000;

const collecting: fc.Arbitrary<Collecting> = fc.record({
  isEarly: fc.boolean(),
  untaggedMs: fc.constantFrom(undefined, 0, 3_600_000, dayMs, 30 * dayMs),
  isOnce: fc.boolean(),
  ofOne: fc.boolean(),
});
const steps = fc.array(collectorStep, { minLength: 10, maxLength: 40 });

describeEachDatabase('a dry run', (_open, { name, createPlace }) => {
  test(`says of ${worlds[name]} random worlds what the run then removes, whatever the rules (seed ${seed})`, async () => {
    const clock = { now: Date.UTC(2026, 0, 1) };
    const place = name === 'SQLite' ? { url: undefined, file: ':memory:' } : await createPlace();
    const database = await openDatabase({ ...place, log: silentLog, now: () => clock.now });
    onTestFinished(() => database.close());
    const world = await CollectorWorld.create(database, clock);
    let removed = 0;
    const property = fc.asyncProperty(steps, collecting, async (happened, rules) => {
      for (const step of happened) if (step.do !== 'collect') await world.take([step]);
      const { would, did } = await world.tryOut(rules);
      expect(would.toSorted()).toEqual(did.toSorted());
      removed += did.length;
    });
    // Few worlds may have little in them that goes: then there are more.
    for (let round = 0; round < 5 && removed <= worlds[name]; round += 1)
      await fc.assert(property, { seed: seed + round, numRuns: worlds[name], endOnFailure: true });
    expect(removed).toBeGreaterThan(worlds[name]);
  });
});
