/** What the cleanup policy of a project would do, and its runs that someone asks for; ours. */
import { z } from 'zod';
import type { EndedCleanupRun } from '../../metadata/hosted/cleanup-policies.ts';
import { keepRules } from '../../rules/tag-selection.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { projectId } from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import {
  cleanupChangeParams,
  cleanupPolicyBody,
  cleanupPolicyChangesOf,
  cleanupPolicyResponse,
} from './cleanup-policy-body.ts';
import type { CleanupPreviewService, PreviewedTag } from './cleanup-previews.ts';
import type { CleanupRunService } from './cleanup-runs.ts';

const previewedTag = z.object({
  repository: z.string(),
  name: z.string(),
  last_published_at: instantText,
});

const lastRun = z.object({
  started_at: instantText,
  ended_at: instantText,
  deleted_count: z.int(),
  /** by the rule that kept them */
  kept_counts: z.record(z.string(), z.int()),
  failed_count: z.int(),
  error: z.string().nullable(),
});

const previewResponse = z
  .object({
    policy: cleanupPolicyResponse,
    last_run: lastRun.nullable(),
    delete_count: z.int(),
    keep_count: z.int(),
    /** the first ten thousand of each */
    delete: z.array(previewedTag),
    keep: z.array(
      previewedTag.extend({
        rule: z.enum(keepRules),
      }),
    ),
  })
  .meta({ id: 'CleanupPreview' });

export function cleanupEndpoints(
  previews: CleanupPreviewService,
  runs: CleanupRunService,
): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/container_expiration_policy/preview',
      summary:
        'What the cleanup policy of a project, or one that is changed so, would delete now, why the other tags stay, and how its last run went',
      pathParams: projectId,
      params: cleanupChangeParams,
      response: previewResponse,
      status: 200,
      handle: async (actor, { id, ...given }) => {
        const { record, policy, ...preview } = await previews.preview(
          actor,
          id,
          cleanupPolicyChangesOf(given),
        );
        return {
          ...preview,
          policy: { ...cleanupPolicyBody(record), ...policy },
          lastRun: record?.lastRun && lastRunBody(record.lastRun),
          delete: preview.delete.map(tagBody),
          keep: preview.keep.flatMap((tag) => (tag.keptBy ? [{ ...tagBody(tag), rule: tag.keptBy }] : [])),
        };
      },
    }),
    endpoint({
      method: 'POST',
      path: '/projects/:id/container_expiration_policy/run',
      summary:
        'Run the cleanup policy of a project now, in the background; when it is due next stays as it is',
      pathParams: projectId,
      response: acceptedResponse,
      status: 202,
      handle: async (actor, { id }) => {
        await runs.request(actor, id);
        return accepted;
      },
    }),
  ];
}

function tagBody(tag: PreviewedTag): AnswerOf<typeof previewedTag> {
  return { ...tag, lastPublishedAt: tag.publishedAt };
}

function lastRunBody(run: EndedCleanupRun): AnswerOf<typeof lastRun> {
  return {
    ...run,
    error: run.error,
    deletedCount: run.deleted,
    keptCounts: run.kept,
    failedCount: run.failed,
  };
}
