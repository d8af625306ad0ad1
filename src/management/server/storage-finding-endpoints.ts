/** What was found wrong with stored bytes; ours. */
import { z } from 'zod';
import type { Finding } from '../../metadata/content/stored-blobs.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type Endpoint, wireEndpoint as endpoint } from '../endpoint/endpoint.ts';
import { PagedBody, pageOf, pageParams } from '../endpoint/pagination.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
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
      handle: async (actor, { state, ...pages }) => {
        const { records, total } = await findings.list(actor, state, pageOf(pages));
        return new PagedBody(records.map(findingBody), total, pages);
      },
    }),
  ];
}

function findingBody(finding: Finding): BodyOf<typeof findingResponse> {
  return {
    id: finding.id,
    kind: finding.kind,
    state: finding.state,
    digest: finding.digest,
    storage_key: finding.storageKey,
    size: finding.size,
    hosted: finding.isHosted,
    found_at: formatInstant(finding.foundAt),
    settled_at: finding.settledAt === undefined ? null : formatInstant(finding.settledAt),
  };
}
