/** The cleanup policy of a project, as GitLab's API takes it and shows it. */
import { z } from 'zod';
import type { CleanupPolicyRecord } from '../../metadata/hosted/cleanup-policies.ts';
import { ages, cadences, keepCounts, policyFrom } from '../../rules/cleanup-policy.ts';
import { fields } from '../endpoint/blanks.ts';
import { instantText } from '../endpoint/dates.ts';
import { maxNameLength, oneNumberOf, oneTextOf, text, truth } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { CleanupPolicyChanges } from './cleanup-policies.ts';

const pattern = text(maxNameLength).nullish();

/** `name_regex_delete` is what its documentation calls `name_regex`. */
const changes = {
  enabled: truth.optional(),
  cadence: z.enum(cadences).optional(),
  keep_n: oneNumberOf(keepCounts).nullish(),
  older_than: oneTextOf(ages).nullish(),
  not_pulled_for: oneTextOf(ages).nullish(),
  repository_regex: pattern,
  name_regex: pattern,
  name_regex_delete: pattern,
  name_regex_keep: pattern,
};
export const cleanupPolicyParams = fields(changes);
/** The same, each a parameter of its own. */
export const cleanupChangeParams = z.object(changes);

export const cleanupPolicyResponse = z
  .object({
    cadence: z.enum(cadences),
    enabled: z.boolean(),
    keep_n: z.int().nullable(),
    older_than: z.enum(ages).nullable(),
    not_pulled_for: z.enum(ages).nullable(),
    repository_regex: z.string().nullable(),
    name_regex: z.string(),
    name_regex_keep: z.string().nullable(),
    next_run_at: instantText.nullable(),
  })
  .meta({ id: 'CleanupPolicy' });

export function cleanupPolicyChangesOf({
  nameRegexDelete,
  ...given
}: CamelCased<z.output<typeof cleanupPolicyParams>>): CleanupPolicyChanges {
  return nameRegexDelete === undefined ? given : { ...given, nameRegex: nameRegexDelete };
}

export function cleanupPolicyBody(
  record: CleanupPolicyRecord | undefined,
): AnswerOf<typeof cleanupPolicyResponse> {
  const policy = policyFrom(record);
  return { ...policy, nextRunAt: policy.enabled ? record?.nextRunAt : undefined };
}
