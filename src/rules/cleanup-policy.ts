/** What cleans up the tags of a project from time to time: GitLab's container expiration policy, its values, and what they mean. */
import { parseDurationMs } from './duration.ts';
import { TagPattern } from './tag-pattern.ts';
import type { TagCriteria } from './tag-selection.ts';

export const cadences = ['1d', '7d', '14d', '1month', '3month'] as const;
export const keepCounts = [1, 5, 10, 25, 50, 100] as const;
export const ages = ['7d', '14d', '30d', '60d', '90d'] as const;

export type Cadence = (typeof cadences)[number];
export type KeepCount = (typeof keepCounts)[number];
export type Age = (typeof ages)[number];

export interface CleanupPolicy {
  readonly enabled: boolean;
  readonly cadence: Cadence;
  /** How many of the newest that match stay; undefined: none for that. */
  readonly keepN: KeepCount | undefined;
  /** Only what is older goes; undefined: whatever its age. */
  readonly olderThan: Age | undefined;
  /** Only what was neither pulled nor pushed for so long goes; undefined: whenever it was. */
  readonly notPulledFor: Age | undefined;
  /** RE2 that the whole name of a repository matches, as it is below the path of its project; undefined: it is for all. */
  readonly repositoryRegex: string | undefined;
  /** RE2 that the whole name matches; empty only where the policy is not enabled. */
  readonly nameRegex: string;
  readonly nameRegexKeep: string | undefined;
}

/** The policy of a project that nobody gave another. */
export const defaultCleanupPolicy: CleanupPolicy = {
  enabled: false,
  cadence: '1d',
  keepN: 10,
  olderThan: '90d',
  notPulledFor: undefined,
  repositoryRegex: undefined,
  nameRegex: '.*',
  nameRegexKeep: undefined,
};

/** A policy as it is recorded, after it was checked. */
export interface RecordedPolicy {
  readonly enabled: boolean;
  readonly cadence: string;
  readonly keepN: number | undefined;
  readonly olderThan: string | undefined;
  readonly notPulledFor: string | undefined;
  readonly repositoryRegex: string | undefined;
  readonly nameRegex: string;
  readonly nameRegexKeep: string | undefined;
}

/** The policy that a record says; the defaults where there is none. */
export function policyFrom(record: RecordedPolicy | undefined): CleanupPolicy {
  if (!record) return defaultCleanupPolicy;
  return {
    enabled: record.enabled,
    cadence: cadences.find((each) => each === record.cadence) ?? defaultCleanupPolicy.cadence,
    keepN: keepCounts.find((each) => each === record.keepN),
    olderThan: ages.find((each) => each === record.olderThan),
    notPulledFor: ages.find((each) => each === record.notPulledFor),
    repositoryRegex: record.repositoryRegex,
    nameRegex: record.nameRegex,
    nameRegexKeep: record.nameRegexKeep,
  };
}

/**
 * @param repository its name below the path of its project; empty: it has the project's own
 * @throws TagPatternError, which a policy that was checked does not give
 */
export function criteriaOf(policy: CleanupPolicy, repository: string): TagCriteria {
  const { keepN, olderThan, notPulledFor, repositoryRegex, nameRegex, nameRegexKeep } = policy;
  const isMeant = repositoryRegex === undefined || TagPattern.parse(repositoryRegex).matches(repository);
  return {
    delete: nameRegex === '' || !isMeant ? undefined : TagPattern.parse(nameRegex),
    keep: nameRegexKeep === undefined ? undefined : TagPattern.parse(nameRegexKeep),
    keepN,
    olderThanMs: olderThan && parseDurationMs(olderThan),
    notPulledForMs: notPulledFor && parseDurationMs(notPulledFor),
  };
}

/** The run after one at this instant; both epoch milliseconds. */
export function nextRunAfter(instant: number, cadence: Cadence): number {
  return instant + (parseDurationMs(cadence) ?? 0);
}
