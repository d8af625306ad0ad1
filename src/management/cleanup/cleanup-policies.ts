/** Cleanup policies of projects: what they may say, and their changes. */
import type { Records } from '../../metadata/db/records.ts';
import {
  type Age,
  type Cadence,
  type CleanupPolicy,
  type KeepCount,
  nextRunAfter,
  policyFrom,
} from '../../rules/cleanup-policy.ts';
import { TagPattern, TagPatternError } from '../../rules/tag-pattern.ts';
import { RefusedError } from '../acting/refused-error.ts';

/** What is undefined stays as it is; null clears. */
export interface CleanupPolicyChanges {
  readonly enabled?: boolean | undefined;
  readonly cadence?: Cadence | undefined;
  readonly keepN?: KeepCount | null | undefined;
  readonly olderThan?: Age | null | undefined;
  readonly notPulledFor?: Age | null | undefined;
  readonly repositoryRegex?: string | null | undefined;
  readonly nameRegex?: string | null | undefined;
  readonly nameRegexKeep?: string | null | undefined;
}

/**
 * Changes the policy in the transaction that changes the project. The next run is counted from now on.
 * @param now epoch milliseconds
 * @returns the policy as it is then
 * @throws RefusedError invalid
 */
export async function changeCleanupPolicy(
  tx: Pick<Records, 'cleanupPolicies'>,
  projectId: number,
  changes: CleanupPolicyChanges,
  now: number,
): Promise<CleanupPolicy> {
  const policy = changedPolicy(policyFrom(await tx.cleanupPolicies.find(projectId)), changes);
  await tx.cleanupPolicies.save(projectId, policy, nextRunAfter(now, policy.cadence));
  return policy;
}

/** The policy as it would be. @throws RefusedError invalid */
export function changedPolicy(before: CleanupPolicy, changes: CleanupPolicyChanges): CleanupPolicy {
  const { enabled, cadence, keepN, olderThan, notPulledFor, nameRegex, nameRegexKeep } = changes;
  const policy: CleanupPolicy = {
    enabled: enabled ?? before.enabled,
    cadence: cadence ?? before.cadence,
    keepN: changed(before.keepN, keepN),
    olderThan: changed(before.olderThan, olderThan),
    notPulledFor: changed(before.notPulledFor, notPulledFor),
    repositoryRegex: changed(before.repositoryRegex, changes.repositoryRegex) || undefined,
    nameRegex: nameRegex === undefined ? before.nameRegex : (nameRegex ?? ''),
    nameRegexKeep: changed(before.nameRegexKeep, nameRegexKeep) || undefined,
  };
  demandValid(policy);
  return policy;
}

function changed<T>(before: T | undefined, change: T | null | undefined): T | undefined {
  return change === undefined ? before : (change ?? undefined);
}

/** @throws RefusedError invalid */
function demandValid({ enabled, nameRegex, nameRegexKeep, repositoryRegex }: CleanupPolicy): void {
  if (enabled && nameRegex === '') throw refuse('name_regex', "can't be blank");
  for (const [name, text] of [
    ['name_regex', nameRegex],
    ['name_regex_keep', nameRegexKeep],
    ['repository_regex', repositoryRegex],
  ] as const) {
    try {
      if (text) TagPattern.parse(text);
    } catch (error) {
      if (error instanceof TagPatternError) throw refuse(name, `not valid RE2 syntax: ${error.message}`);
      throw error;
    }
  }
}

function refuse(name: string, text: string): RefusedError {
  return new RefusedError('invalid', { [`container_expiration_policy.${name}`]: [text] });
}
