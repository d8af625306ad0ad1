/** The collector; ours. */
import { z } from 'zod';
import type { Holder } from '../../metadata/collector/holders.ts';
import type { QueueState, Review } from '../../metadata/collector/review-queue.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, maxNameLength } from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { GarbageService, GarbageState, Reasons } from './garbage.ts';

const countsResponse = z.object({
  manifests: z.int(),
  links: z.int().meta({ description: 'Of blobs, in repositories' }),
  blobs: z.int(),
  bytes: z.int().meta({ description: 'Of the blobs' }),
  payloads: z.int().meta({ description: 'Of manifests that no repository has any more, and no cache entry' }),
  failed: z.int(),
});

const queueResponse = z.object({
  length: z.int().meta({ description: 'Due or not; counted to 100000' }),
  due: z.int(),
  failing: z.int(),
  oldest_due_at: instantText.nullable(),
});

const stateResponse = z.object({
  queues: z.object({
    manifests: queueResponse,
    links: queueResponse,
    blobs: queueResponse,
    payloads: queueResponse,
  }),
  last_runs: z.array(
    countsResponse.extend({ started_at: instantText, ended_at: instantText, reviewed: z.int() }),
  ),
  removed: countsResponse.meta({ description: 'In the last 30 days' }),
});

const reviewResponse = z
  .object({
    review_after: instantText.meta({ description: 'It is looked at then, and goes where nothing holds it' }),
    event: z.string().meta({ description: 'Why' }),
    failures: z.int(),
    error: z.string().nullable(),
  })
  .nullable();

const reasonsResponse = z
  .object({
    digest: z.string(),
    size: z.int(),
    repositories: z
      .array(
        z.object({
          repository: z.string(),
          held_by: z.array(
            z.object({ kind: z.enum(['tag', 'index', 'manifest', 'subject']), name: z.string() }),
          ),
          review: reviewResponse,
        }),
      )
      .meta({ description: 'Those that have it, and what holds it there' }),
    cache_entries: z.array(
      z.object({ id: z.int(), upstream_id: z.int(), repository: z.string(), reference: z.string() }),
    ),
    review: reviewResponse.meta({
      description: 'Of the bytes, which go when no repository and no cache entry has them',
    }),
  })
  .meta({ id: 'WhyKept' });

const digestParams = z.object({ digest: filled(maxNameLength) });

export function garbageEndpoints(garbage: GarbageService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/gc',
      summary: 'What waits for the collector, and what it has done; for administrators',
      response: stateResponse,
      status: 200,
      handle: async (actor) => stateBody(await garbage.describe(actor)),
    }),
    endpoint({
      method: 'POST',
      path: '/admin/gc',
      summary: 'Have what is due looked at now; for administrators',
      response: acceptedResponse,
      status: 202,
      handle: async (actor) => {
        await garbage.run(actor);
        return accepted;
      },
    }),
    endpoint({
      method: 'GET',
      path: '/admin/blobs/:digest/why',
      summary: 'Why a blob is here, or when it goes; for administrators',
      pathParams: digestParams,
      response: reasonsResponse,
      status: 200,
      handle: async (actor, { digest }) => reasonsBody(await garbage.explainBlob(actor, digest)),
    }),
    endpoint({
      method: 'GET',
      path: '/admin/manifests/:digest/why',
      summary: 'Why a manifest is here, or when it goes; for administrators',
      pathParams: digestParams,
      response: reasonsResponse,
      status: 200,
      handle: async (actor, { digest }) => reasonsBody(await garbage.explainManifest(actor, digest)),
    }),
  ];
}

function stateBody({ queues, runs, removed }: GarbageState): AnswerOf<typeof stateResponse> {
  return {
    queues: {
      manifests: queueBody(queues.manifest),
      links: queueBody(queues.link),
      blobs: queueBody(queues.blob),
      payloads: queueBody(queues.payload),
    },
    lastRuns: runs,
    removed,
  };
}

function queueBody(queue: QueueState): AnswerOf<typeof queueResponse> {
  return { ...queue, oldestDueAt: queue.oldestAt };
}

function reasonsBody({ repositories, entries, review, ...kept }: Reasons): AnswerOf<typeof reasonsResponse> {
  return {
    ...kept,
    repositories: repositories.map(({ repository, holders, review }) => ({
      repository,
      heldBy: holders.flatMap(holderBody),
      review: reviewBody(review),
    })),
    cacheEntries: entries.map((entry) => ({ ...entry, id: entry.entryId })),
    review: reviewBody(review),
  };
}

function holderBody(holder: Holder): AnswerOf<typeof reasonsResponse>['repositories'][number]['heldBy'] {
  if (holder.by === 'tag') return [{ kind: holder.by, name: holder.tag }];
  if (holder.by === 'repository' || holder.by === 'cache entry') return [];
  return [{ kind: holder.by, name: holder.digest }];
}

function reviewBody(review: Review | undefined): AnswerOf<typeof reviewResponse> {
  return review && { ...review, error: review.lastError };
}
