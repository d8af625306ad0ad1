/** What runs from time to time; ours. */
import { z } from 'zod';
import type { JobRecord } from '../../metadata/server/tasks.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, maxNameLength } from '../endpoint/parameters.ts';
import { accepted, acceptedResponse, type BodyOf, instantText } from '../endpoint/response.ts';
import type { JobService } from './tasks.ts';

const jobResponse = z.object({
  name: z.string(),
  every_seconds: z.number(),
  status: z.enum(['running', 'failed', 'waiting']),
  next_run_at: instantText,
  last_started_at: instantText.nullable(),
  last_ended_at: instantText.nullable(),
  failures: z.int(),
  error: z.string().nullable(),
  result: z.record(z.string(), z.unknown()).nullable(),
});

export function jobEndpoints(jobs: JobService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/jobs',
      summary: 'What runs from time to time, with its last and next run; for administrators',
      response: z.array(jobResponse),
      status: 200,
      handle: async (actor) => (await jobs.list(actor)).map(jobBody),
    }),
    endpoint({
      method: 'POST',
      path: '/admin/jobs/:name/run',
      summary: 'Run a job now; for administrators',
      pathParams: z.object({ name: filled(maxNameLength) }),
      response: acceptedResponse,
      status: 202,
      handle: async (actor, { name }) => {
        await jobs.run(actor, name);
        return accepted;
      },
    }),
  ];
}

function jobBody(job: JobRecord): BodyOf<typeof jobResponse> {
  const { startedAt, endedAt } = job;
  return {
    name: job.name,
    every_seconds: job.everyMs / 1000,
    status: job.isRunning ? 'running' : job.failures > 0 ? 'failed' : 'waiting',
    next_run_at: formatInstant(job.nextRunAt),
    last_started_at: startedAt === undefined ? null : formatInstant(startedAt),
    last_ended_at: endedAt === undefined ? null : formatInstant(endedAt),
    failures: job.failures,
    error: job.error ?? null,
    result: job.result ?? null,
  };
}
