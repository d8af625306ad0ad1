/** An explanation of a pull as JSON. */
import { z } from 'zod';
import type { Reference, RepositoryName } from '../../oci/reference.ts';
import type { PullExplanation, UpstreamExplanation } from '../../proxy/pull-explanation.ts';
import { formatInstant } from '../endpoint/dates.ts';
import { type BodyOf, instantText } from '../endpoint/response.ts';
import { breaker } from './upstream-body.ts';

const digest = z.string().nullable();
const upstreamResponse = z.object({
  id: z.int(),
  name: z.string(),
  position: z.int(),
  repository: z.string(),
  allowed: z.boolean(),
  breaker,
  entry: z.object({ digest: z.string(), checked_at: instantText, fresh: z.boolean() }).nullable(),
  would_ask: z.boolean(),
  answer: z
    .object({
      result: z.enum(['found', 'not-found', 'unauthorized', 'rate-limited', 'unavailable', 'invalid']),
      digest,
      message: z.string().nullable(),
    })
    .nullable(),
});
export const explanationResponse = z
  .object({
    image: z.string(),
    reference: z.string(),
    upstreams: z.array(upstreamResponse),
    verdict: z.object({
      upstream_id: z.int().nullable(),
      source: z.enum(['cache', 'upstream', 'hosted']).nullable(),
      digest,
      why: z.string(),
    }),
  })
  .meta({ id: 'PullExplanation' });

export function explanationBody(
  image: RepositoryName,
  reference: Reference,
  { upstreams, verdict }: PullExplanation,
): BodyOf<typeof explanationResponse> {
  return {
    image,
    reference,
    upstreams: upstreams.map(upstreamBody),
    verdict: {
      upstream_id: verdict.upstreamId ?? null,
      source: verdict.source ?? null,
      digest: verdict.digest ?? null,
      why: verdict.why,
    },
  };
}

function upstreamBody({ entry, answer, ...upstream }: UpstreamExplanation): BodyOf<typeof upstreamResponse> {
  return {
    id: upstream.id,
    name: upstream.name,
    position: upstream.position,
    repository: upstream.repository,
    allowed: upstream.isAllowed,
    breaker: upstream.breaker,
    entry: entry
      ? { digest: entry.digest, checked_at: formatInstant(entry.checkedAt), fresh: entry.isFresh }
      : null,
    would_ask: upstream.wouldAsk,
    answer: answer
      ? { result: answer.result, digest: answer.digest ?? null, message: answer.message ?? null }
      : null,
  };
}
