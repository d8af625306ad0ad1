/**
 * Random steps, many at once, against a model: whatever a tag reaches is there and verifies; whatever nothing reaches is gone, rows and
 * bytes, once its time has passed. Collectors die at any of their awaits. COLLECTOR_STEPS and COLLECTOR_SEED for more of them, or for
 * the same again.
 */
import fc from 'fast-check';
import { expect, onTestFinished, test } from 'vitest';
import { openDatabase } from '../../src/metadata/db/database.ts';
import { collectorStep } from '../support/collector-steps.ts';
import { CollectorWorld, type Step, touchedBy } from '../support/collector-world.ts';
import { describeEachDatabase } from '../support/databases.ts';
import { silentLog } from '../support/silent-log.ts';

const stepsPerRun = 100;
/** On both databases together. */
const steps = Number(process.env['COLLECTOR_STEPS'] ?? 2000);
/** SQLite in memory takes them faster by far. */
const share = { SQLite: 0.75, PostgreSQL: 0.25 };
/** From so many runs on some of the deaths come between a record and its bytes. */
const enoughRuns = 30;
const seed = Number(process.env['COLLECTOR_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const maxMs = 20 * 60_000;

const given = fc.array(fc.tuple(collectorStep, fc.boolean()), {
  minLength: stepsPerRun,
  maxLength: stepsPerRun,
});

/** As many at once as do not touch the same, where they are to run with the one before. */
function batchesOf(all: readonly (readonly [Step, boolean])[]): readonly (readonly Step[])[] {
  const batches: Step[][] = [];
  let touched = new Set<string>();
  for (const [next, isAlongside] of all) {
    const touches = touchedBy(next);
    const last = batches.at(-1);
    const isWait = next.do === 'wait' || last?.[0]?.do === 'wait';
    if (last && isAlongside && !isWait && touches.every((each) => !touched.has(each))) last.push(next);
    else {
      batches.push([next]);
      touched = new Set();
    }
    for (const each of touches) touched.add(each);
  }
  return batches;
}

describeEachDatabase('the collector and everybody else', (_open, { name, createPlace }) => {
  const numRuns = Math.ceil((steps * share[name]) / stepsPerRun);
  test(
    `lose nothing that is reached and leave nothing behind, in ${numRuns * stepsPerRun} steps (seed ${seed})`,
    async () => {
      const clock = { now: Date.UTC(2026, 0, 1) };
      const place = name === 'SQLite' ? { url: undefined, file: ':memory:' } : await createPlace();
      const database = await openDatabase({ ...place, log: silentLog, now: () => clock.now });
      onTestFinished(() => database.close());
      const world = await CollectorWorld.create(database, clock);
      const property = fc.asyncProperty(given, async (all) => {
        for (const [index, batch] of batchesOf(all).entries()) {
          await world.take(batch);
          if (index % 10 === 0) await world.check();
        }
        await world.drain();
      });
      const {
        failed,
        numRuns: made,
        counterexample,
        errorInstance,
      } = await fc.check(property, {
        seed,
        numRuns,
        endOnFailure: true,
      });
      if (failed) {
        const steps = batchesOf(counterexample?.[0] ?? []).map((batch) => JSON.stringify(batch));
        throw new Error(`COLLECTOR_SEED=${seed} fails in run ${made}:\n${steps.join('\n')}`, {
          cause: errorInstance,
        });
      }
      // Deaths between a record and its bytes leave bytes, which shows that there were such deaths.
      if (numRuns >= enoughRuns) expect(world.leftBytes).toBeGreaterThan(0);
    },
    maxMs,
  );
});
