/** What may happen around the collector, at random. */
import fc from 'fast-check';
import type { Step } from './collector-world.ts';

const small = fc.nat({ max: 11 });
const repository = fc.nat({ max: 1 });
const minuteMs = 60_000;

export const collectorStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom('upload', 'head', 'mount', 'delete blob'),
      repository,
      blob: small,
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constantFrom('put', 'push'),
      repository,
      manifest: small,
      tag: fc.nat({ max: 3 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('delete tag'), repository, tag: fc.nat({ max: 2 }) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete manifest'), repository, manifest: small }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constantFrom('pull through', 'evict'), image: small, part: small }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('expire') }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1000, 10 * minuteMs, 50 * minuteMs, 12 * 60 * minuteMs, 25 * 60 * minuteMs),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('collect'),
      diesAfter: fc.oneof(fc.constant(undefined), fc.nat({ max: 250 }), fc.constant('a record')),
    }),
  },
) as fc.Arbitrary<Step>;
