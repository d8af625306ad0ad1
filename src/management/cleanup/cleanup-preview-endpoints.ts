/** What the cleanup policy of a project would do; ours. */
import { z } from 'zod';
import type { EndedCleanupRun } from '../../metadata/hosted/cleanup-policies.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { projectId } from '../endpoint/parameters.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import { cleanupPolicyBody, cleanupPolicyResponse } from './cleanup-policy-body.ts';
import type { CleanupPreviewService, PreviewedTag } from './cleanup-previews.ts';

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
        rule: z.enum([
          'latest',
          'not_matched',
          'name_regex_keep',
          'keep_n',
          'older_than',
          'protected',
          'immutable',
        ]),
      }),
    ),
  })
  .meta({ id: 'CleanupPreview' });

export function cleanupPreviewEndpoints(previews: CleanupPreviewService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/projects/:id/container_expiration_policy/preview',
      summary:
        'What the cleanup policy of a project would delete now, why the other tags stay, and how its last run went',
      pathParams: projectId,
      response: previewResponse,
      status: 200,
      handle: async (actor, { id }) => {
        const preview = await previews.preview(actor, id);
        return {
          policy: cleanupPolicyBody(preview.record),
          last_run: preview.record?.lastRun ? lastRunBody(preview.record.lastRun) : null,
          delete_count: preview.deleteCount,
          keep_count: preview.keepCount,
          delete: preview.delete.map(tagBody),
          keep: preview.keep.flatMap((tag) => (tag.keptBy ? [{ ...tagBody(tag), rule: tag.keptBy }] : [])),
        };
      },
    }),
  ];
}

function tagBody({ repository, name, publishedAt }: PreviewedTag): BodyOf<typeof previewedTag> {
  return { repository, name, last_published_at: formatInstant(publishedAt) };
}

function lastRunBody(run: EndedCleanupRun): BodyOf<typeof lastRun> {
  return {
    started_at: formatInstant(run.startedAt),
    ended_at: formatInstant(run.endedAt),
    deleted_count: run.deleted,
    kept_counts: run.kept,
    failed_count: run.failed,
    error: run.error ?? null,
  };
}
