/** Which processes there are; ours. */
import { z } from 'zod';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import type { ProcessService } from './processes.ts';

const processResponse = z.object({
  id: z.string(),
  name: z.string(),
  version: z.string(),
  address: z.string().nullable(),
  started_at: instantText,
  last_seen_at: instantText,
});

export function processEndpoints(processes: ProcessService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/processes',
      summary: 'The processes that share the records, and when each was last seen; for administrators',
      response: z.array(processResponse),
      status: 200,
      handle: (actor) => processes.list(actor),
    }),
  ];
}
