/** What was found wrong with stored bytes; ours. */
import { z } from 'zod';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import type { StorageFindingService } from './storage-findings.ts';

const findingState = z.enum(['open', 'healed', 'removed']);

const findingResponse = z
  .object({
    id: z.int(),
    kind: z.enum(['corrupt', 'missing', 'orphaned', 'moved']),
    state: findingState,
    digest: z.string().nullable(),
    storage_key: z.string(),
    size: z.int(),
    hosted: z.boolean(),
    found_at: instantText,
    settled_at: instantText.nullable(),
  })
  .meta({ id: 'StorageFinding' });

export function storageFindingEndpoints(findings: StorageFindingService): readonly Endpoint[] {
  return [
    endpoint({
      method: 'GET',
      path: '/admin/storage/findings',
      summary: 'What was found wrong with stored bytes, newest first; for administrators',
      params: pageParams.extend({ state: findingState.optional() }),
      status: 200,
      response: z.array(findingResponse),
      handle: async (actor, { state, ...page }) => pageBody(await findings.list(actor, state, page), page),
    }),
  ];
}
