/** https://docs.gitlab.com/api/virtual_registries_cleanup_policies/ */
import { z } from 'zod';
import type { CacheRetentionPolicy } from '../../metadata/cached/cache-retention-policies.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { choiceBetween, choiceOf, groupId, someOf, truth } from '../endpoint/parameters.ts';
import type { AnswerOf, CamelCased } from '../endpoint/wire.ts';
import type { CacheRetentionInput, CacheRetentionService } from './cache-retention.ts';

const path = '/groups/:id/-/virtual_registries/cleanup/policy';
const maxKeepDays = 365;

const cadence = choiceOf([1, 7, 14, 30, 90]);
const keepDays = choiceBetween(1, maxKeepDays);

const policySettings = z.object({
  enabled: truth.optional(),
  cadence: cadence.optional().meta({ description: 'Days from one run to the next' }),
  keep_n_days_after_download: keepDays.optional(),
  notify_on_success: truth.optional().meta({ description: 'By an audit event of the group' }),
  notify_on_failure: truth.optional().meta({ description: 'By an audit event of the group' }),
});

const deleted = z.object({ deleted_entries_count: z.int(), deleted_size: z.int() });

const policyResponse = z
  .object({
    group_id: z.int(),
    next_run_at: instantText,
    last_run_at: instantText.nullable(),
    last_run_deleted_size: z.int().meta({ description: 'Bytes' }),
    last_run_deleted_entries_count: z.int(),
    keep_n_days_after_download: z.int(),
    status: z.enum(['scheduled', 'running', 'failed']),
    cadence: z.int(),
    enabled: z.boolean(),
    failure_message: z.string().nullable(),
    last_run_detailed_metrics: z.object({ container: deleted.optional() }),
    notify_on_success: z.boolean(),
    notify_on_failure: z.boolean(),
    created_at: instantText,
    updated_at: instantText,
  })
  .meta({ id: 'CacheCleanupPolicy' });

export function cacheRetentionEndpoints(policies: CacheRetentionService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path,
      summary: 'The cleanup policy of the virtual registries of a top-level group; for Owners',
      pathParams: groupId,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id }) => policyBody(await policies.get(actor, id)),
    }),
    endpoint({
      method: 'POST',
      path,
      summary: 'Give a top-level group a cleanup policy for its virtual registries; for Owners',
      pathParams: groupId,
      params: policySettings,
      refusesBlanks: true,
      status: 201,
      response: policyResponse,
      handle: async (actor, { id, ...given }) => policyBody(await policies.create(actor, id, inputOf(given))),
    }),
    endpoint({
      method: 'PATCH',
      path,
      summary: 'Change the cleanup policy of the virtual registries of a top-level group; for Owners',
      pathParams: groupId,
      params: someOf(policySettings),
      refusesBlanks: true,
      status: 200,
      response: policyResponse,
      handle: async (actor, { id, ...given }) => policyBody(await policies.update(actor, id, inputOf(given))),
    }),
    endpoint({
      method: 'DELETE',
      path,
      summary: 'Remove the cleanup policy of the virtual registries of a top-level group; for Owners',
      pathParams: groupId,
      status: 204,
      handle: (actor, { id }) => policies.remove(actor, id),
    }),
  ];
}

function inputOf({
  cadence: cadenceDays,
  keepNDaysAfterDownload: keepDays,
  ...given
}: CamelCased<z.output<typeof policySettings>>): CacheRetentionInput {
  return { ...given, cadenceDays, keepDays };
}

function policyBody(policy: CacheRetentionPolicy): AnswerOf<typeof policyResponse> {
  const { lastRunAt, lastDeletedEntries, lastDeletedBytes } = policy;
  const container = { deletedEntriesCount: lastDeletedEntries, deletedSize: lastDeletedBytes };
  return {
    ...policy,
    cadence: policy.cadenceDays,
    keepNDaysAfterDownload: policy.keepDays,
    lastRunDeletedSize: lastDeletedBytes,
    lastRunDeletedEntriesCount: lastDeletedEntries,
    lastRunDetailedMetrics: lastRunAt === undefined ? {} : { container },
  };
}
