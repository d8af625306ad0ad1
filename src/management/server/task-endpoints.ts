/** What runs from time to time; ours. */
import { z } from 'zod';
import type { TaskRecord } from '../../metadata/server/tasks.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { filled, maxNameLength } from '../endpoint/parameters.ts';
import { accepted, acceptedResponse } from '../endpoint/response.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { TaskService } from './tasks.ts';

const taskResponse = z.object({
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

export function taskEndpoints(tasks: TaskService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/jobs',
      summary: 'What runs from time to time, with its last and next run; for administrators',
      response: z.array(taskResponse),
      status: 200,
      handle: async (actor) => (await tasks.list(actor)).map(taskBody),
    }),
    endpoint({
      method: 'POST',
      path: '/admin/jobs/:name/run',
      summary: 'Run a job now; for administrators',
      pathParams: z.object({ name: filled(maxNameLength) }),
      response: acceptedResponse,
      status: 202,
      handle: async (actor, { name }) => {
        await tasks.run(actor, name);
        return accepted;
      },
    }),
  ];
}

function taskBody(task: TaskRecord): AnswerOf<typeof taskResponse> {
  return {
    ...task,
    everySeconds: task.everyMs / 1000,
    status: task.isRunning ? 'running' : task.failures > 0 ? 'failed' : 'waiting',
    lastStartedAt: task.startedAt,
    lastEndedAt: task.endedAt,
  };
}
