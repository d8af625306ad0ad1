/**
 * Whatever identities do, in whatever order, nobody reads bytes of a repository that they may not pull from at that moment:
 * by its name, by a digest that they know, by a mount, by a manifest of their own, by someone's upload, by a virtual registry whose
 * upstream is remote or hosted here, by a list, by a project that another one had the name of before.
 * CVE-2024-39897 of zot, CVE-2022-31668 and -31670 of Harbor and CVE-2026-32589 of Quay are of this class.
 *
 * TEST_ACCESS_RUNS=1000 looks longer, TEST_ACCESS_SEED=… looks again; the seed stands in the test's name. The first sequence that
 * breaks it is told as it is: a shorter one takes minutes to find.
 */
import { randomInt } from 'node:crypto';
import fc from 'fast-check';
import { test } from 'vitest';
import { memberPlaces, projectNames, repositoryNames, users, whos } from '../support/access-model.ts';
import { run, type Step } from '../support/access-steps.ts';
import { settings, visibilities } from '../support/access-table.ts';
import { AccessWorld, ways } from '../support/access-world.ts';
import { describeApp } from '../support/describe-app.ts';
import { FakeRegistry } from '../support/fake-registry.ts';

const seed = Number(process.env['TEST_ACCESS_SEED'] || randomInt(2 ** 31));
const numRuns = Number(process.env['TEST_ACCESS_RUNS'] || 20);
const [minLength, maxLength] = [60, 120];

const attempt = {
  // Ann has most to lose, and to lend.
  who: fc.constantFrom(...whos, 'ann' as const, 'ann' as const),
  way: fc.constantFrom(...ways),
  repository: fc.constantFrom(...repositoryNames),
  pick: fc.nat(1000),
};
const another = fc.constantFrom(...repositoryNames);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('pull' as const),
      what: fc.constantFrom('tag' as const, 'manifest', 'blob', 'range', 'head'),
      isLocal: fc.boolean(),
      ...attempt,
    }),
  },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('again' as const), pick: fc.nat(1000) }) },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('push' as const, 'steal', 'attach'), ...attempt }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('mount' as const), to: another, ...attempt }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('virtual' as const), ...attempt }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('mount virtual' as const),
      to: another,
      isLocal: fc.boolean(),
      ...attempt,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('list' as const),
      what: fc.constantFrom('tags' as const, 'referrers', 'catalog'),
      ...attempt,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('remove' as const),
      what: fc.constantFrom('tag' as const, 'manifest', 'blob'),
      ...attempt,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('hijack' as const),
      thief: attempt.who,
      elsewhere: another,
      ...attempt,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('level' as const),
      user: fc.constantFrom(...users),
      place: fc.constantFrom(...memberPlaces),
      role: fc.constantFrom(undefined, 'Guest' as const, 'Reporter', 'Developer', 'Owner'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('visibility' as const),
      project: fc.constantFrom(...projectNames),
      value: fc.constantFrom(...visibilities),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('setting' as const),
      project: fc.constantFrom(...projectNames),
      value: fc.constantFrom(...settings),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('block' as const),
      user: fc.constantFrom(...users),
      isBlocked: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('anonymous pull' as const), value: fc.boolean() }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('revoke' as const),
      who: fc.constantFrom('deploy' as const, 'job', 'bot', 'bob'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('recreate' as const),
      project: fc.constantFrom(...projectNames),
    }),
  },
);

describeApp('no sequence of requests', (start) => {
  test(
    `lets an identity read what it may not pull then (${numRuns} runs, seed ${seed})`,
    async () => {
      await using upstream = await new FakeRegistry().start();
      await using app = await start();
      let worlds = 0;
      const property = fc.asyncProperty(
        fc.array(step, { minLength, maxLength, size: 'max' }),
        async (steps) => {
          worlds += 1;
          const world = new AccessWorld(app, String(worlds));
          try {
            await world.prepare(upstream);
            for (const each of steps) await run(world, each);
          } finally {
            world.close();
          }
        },
      );
      await fc.assert(property, { numRuns, seed, endOnFailure: true, verbose: 1 });
    },
    15 * 60_000,
  );
});
