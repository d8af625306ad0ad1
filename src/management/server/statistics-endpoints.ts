/** What the server did lately and does now; ours. */
import { z } from 'zod';
import { type TrafficPeriod, trafficPeriods } from '../../metadata/server/traffic.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import type { StatisticsService } from './statistics.ts';

const periods = ['1h', '24h', '30d'] as const satisfies readonly TrafficPeriod[];

const trafficResponse = z.object({
  step_seconds: z.int(),
  steps: z.array(
    z.object({
      started_at: instantText,
      series: z.string().meta({
        description:
          '`pulls/OUTCOME`, `upstream_requests/RESULT`, `bytes/fetched`, `bytes/saved` or `bytes/served`',
      }),
      amount: z.int(),
    }),
  ),
});

const storageResponse = z.object({
  cached_bytes: z.int(),
  hosted_bytes: z.int().meta({ description: 'Of blobs that no cache entry links' }),
});

const fillResponse = z.object({
  digest: z.string(),
  upstream_id: z
    .int()
    .nullable()
    .meta({ description: 'Null where another process fetches it that does not answer' }),
  repository: z.string().nullable().meta({ description: 'Its name at the upstream' }),
  received_bytes: z.int(),
  size: z.int().nullable().meta({ description: 'Null where the upstream does not say' }),
  readers: z.int().meta({ description: 'Clients that read it now, of all processes' }),
});

export function statisticsEndpoints(statistics: StatisticsService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/traffic',
      summary:
        'How much was pulled, asked of upstreams, fetched and saved, in steps of time; for administrators',
      params: z.object({ period: z.enum(periods).default('24h') }),
      status: 200,
      response: trafficResponse,
      handle: async (actor, { period }) => {
        const { stepSeconds } = trafficPeriods[period];
        return { stepSeconds, steps: await statistics.traffic(actor, period) };
      },
    }),
    endpoint({
      method: 'GET',
      path: '/admin/storage',
      summary:
        'How many bytes of blobs are stored, cached and hosted apart, each blob counted once; for administrators',
      status: 200,
      response: storageResponse,
      handle: (actor) => statistics.storage(actor),
    }),
    endpoint({
      method: 'GET',
      path: '/admin/fills',
      summary: 'The downloads that run, of all processes that answer; for administrators',
      status: 200,
      response: z.array(fillResponse),
      handle: async (actor) =>
        (await statistics.fills(actor)).map(({ upstreamId, repository, size, ...fill }) => ({
          ...fill,
          upstreamId,
          repository,
          size,
        })),
    }),
  ];
}
