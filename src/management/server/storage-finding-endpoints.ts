/** What was found wrong with stored bytes; ours. */
import { z } from 'zod';
import type { Finding } from '../../metadata/content/stored-blobs.ts';
import { instantText } from '../endpoint/dates.ts';
import { type Endpoint, endpoint } from '../endpoint/endpoint.ts';
import { pageBody, pageParams } from '../endpoint/pagination.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import type { StorageFindingService } from './storage-findings.ts';

const findingState = z.enum(['open', 'healed', 'removed']);

const findingResponse = z
  .object({
    id: z.int(),
    kind: z.enum(['corrupt', 'missing', 'orphaned']),
    state: findingState,
    digest: z.string(),
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
      handle: async (actor, { state, ...page }) =>
        pageBody(await findings.list(actor, state, page), page, findingBody),
    }),
  ];
}

function findingBody(finding: Finding): AnswerOf<typeof findingResponse> {
  return { ...finding, hosted: finding.isHosted };
}
