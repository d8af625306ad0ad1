/** The cleanup policy of a project, as GitLab's API takes it and shows it. */
import { z } from 'zod';
import type { CleanupPolicyRecord } from '../../metadata/hosted/cleanup-policies.ts';
import { ages, cadences, keepCounts, policyFrom } from '../../rules/cleanup-policy.ts';
import { fields } from '../endpoint/blanks.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { maxNameLength, oneNumberOf, oneTextOf, text, truth } from '../endpoint/parameters.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import type { CleanupPolicyChanges } from './cleanup-policies.ts';

const pattern = text(maxNameLength).nullish();

/** `name_regex_delete` is what its documentation calls `name_regex`. */
export const cleanupPolicyParams = fields({
  enabled: truth.optional(),
  cadence: z.enum(cadences).optional(),
  keep_n: oneNumberOf(keepCounts).nullish(),
  older_than: oneTextOf(ages).nullish(),
  name_regex: pattern,
  name_regex_delete: pattern,
  name_regex_keep: pattern,
});

export const cleanupPolicyResponse = z
  .object({
    cadence: z.enum(cadences),
    enabled: z.boolean(),
    keep_n: z.int().nullable(),
    older_than: z.enum(ages).nullable(),
    name_regex: z.string(),
    name_regex_keep: z.string().nullable(),
    next_run_at: instantText.nullable(),
  })
  .meta({ id: 'CleanupPolicy' });

export function cleanupPolicyChangesOf(given: z.output<typeof cleanupPolicyParams>): CleanupPolicyChanges {
  return {
    enabled: given.enabled,
    cadence: given.cadence,
    keepN: given.keep_n,
    olderThan: given.older_than,
    nameRegex: given.name_regex_delete === undefined ? given.name_regex : given.name_regex_delete,
    nameRegexKeep: given.name_regex_keep,
  };
}

export function cleanupPolicyBody(
  record: CleanupPolicyRecord | undefined,
): BodyOf<typeof cleanupPolicyResponse> {
  const policy = policyFrom(record);
  return {
    cadence: policy.cadence,
    enabled: policy.enabled,
    keep_n: policy.keepN ?? null,
    older_than: policy.olderThan ?? null,
    name_regex: policy.nameRegex,
    name_regex_keep: policy.nameRegexKeep ?? null,
    next_run_at: record && policy.enabled ? formatInstant(record.nextRunAt) : null,
  };
}
