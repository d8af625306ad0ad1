import { describe, expect, test } from 'vitest';
import {
  ages,
  cadences,
  criteriaOf,
  keepCounts,
  nextRunAfter,
  policyFrom,
  type RecordedPolicy,
} from '../../../src/rules/cleanup-policy.ts';

const dayMs = 24 * 3_600_000;
const recorded: RecordedPolicy = {
  enabled: true,
  cadence: '7d',
  keepN: 5,
  olderThan: '14d',
  notPulledFor: '30d',
  repositoryRegex: 'web|tools/.*',
  nameRegex: 'dev-.*',
  nameRegexKeep: 'dev-keep',
};

describe('a policy', () => {
  test('of a project that nobody gave one is off, and would go daily, past the newest ten and ninety days', () => {
    expect(policyFrom(undefined)).toEqual({
      enabled: false,
      cadence: '1d',
      keepN: 10,
      olderThan: '90d',
      notPulledFor: undefined,
      repositoryRegex: undefined,
      nameRegex: '.*',
      nameRegexKeep: undefined,
    });
  });

  test('is what is recorded, in each of its values', () => {
    expect(policyFrom(recorded)).toEqual(recorded);
    expect(cadences.map((cadence) => policyFrom({ ...recorded, cadence }).cadence)).toEqual(cadences);
    expect(keepCounts.map((keepN) => policyFrom({ ...recorded, keepN }).keepN)).toEqual(keepCounts);
    expect(ages.map((olderThan) => policyFrom({ ...recorded, olderThan }).olderThan)).toEqual(ages);
    expect(ages.map((notPulledFor) => policyFrom({ ...recorded, notPulledFor }).notPulledFor)).toEqual(ages);
  });

  test('whose values are none of ours goes daily and keeps nothing for its number or age', () => {
    const odd = policyFrom({ ...recorded, cadence: '2d', keepN: 3, olderThan: undefined });
    expect(odd).toEqual({ ...recorded, cadence: '1d', keepN: undefined, olderThan: undefined });
  });
});

describe('what a policy takes', () => {
  test('is what its expressions, its number and its age say', () => {
    const criteria = criteriaOf(policyFrom(recorded), 'web');
    expect(criteria).toMatchObject({ keepN: 5, olderThanMs: 14 * dayMs, notPulledForMs: 30 * dayMs });
    expect(['dev-1', 'v1'].map((name) => criteria.delete?.matches(name))).toEqual([true, false]);
    expect(['dev-1', 'dev-keep'].map((name) => criteria.keep?.matches(name))).toEqual([false, true]);
  });

  test('is nothing without an expression, and is kept by none that is not there', () => {
    const criteria = criteriaOf(
      policyFrom({ ...recorded, nameRegex: '', nameRegexKeep: undefined, olderThan: undefined }),
      'web',
    );
    expect(criteria).toMatchObject({ delete: undefined, keep: undefined, olderThanMs: undefined });
  });

  test.each([
    ['web', true],
    ['tools/lint', true],
    ['website', false],
    ['tools', false],
    ['', false],
  ])('is of the repositories that it is for: %s', (repository, isMeant) => {
    expect(criteriaOf(policyFrom(recorded), repository).delete !== undefined).toBe(isMeant);
    const all = policyFrom({ ...recorded, repositoryRegex: undefined });
    expect(criteriaOf(all, repository).delete).toBeDefined();
  });
});

test.each([
  ['1d', 1],
  ['7d', 7],
  ['14d', 14],
  ['1month', 30],
  ['3month', 90],
] as const)('with a cadence of %s the next run is %i days later', (cadence, days) => {
  expect(nextRunAfter(1000, cadence)).toBe(1000 + days * dayMs);
});
