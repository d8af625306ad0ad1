/** Which image's pull is explained, and how it is told. */
import { z } from 'zod';
import { policyNames, type Verdict } from '../../admission/verdict.ts';
import { OciError } from '../../oci/errors.ts';
import { parseImage, type Reference, type RepositoryName } from '../../oci/reference.ts';
import type { PullExplanation } from '../../proxy/pull-explanation.ts';
import { RefusedError } from '../acting/refused-error.ts';
import { instantText } from '../endpoint/dates.ts';
import type { AnswerOf } from '../endpoint/wire.ts';
import { breaker } from './upstream-fields.ts';

const digest = z.string().nullable();
const verdictResponse = z
  .object({
    policy: z.enum(policyNames),
    verdict: z.enum(['admitted', 'warned', 'refused']),
    reason: z.string(),
    evidence: z.string().nullable(),
    since: instantText.nullable(),
    until: instantText.nullable().meta({ description: 'When the image may be pulled' }),
  })
  .meta({ id: 'AdmissionVerdict' });
const upstreamResponse = z.object({
  id: z.int(),
  name: z.string(),
  position: z.int(),
  repository: z.string(),
  allowed: z.boolean(),
  tls_verify: z.boolean(),
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
    admission: z
      .array(verdictResponse)
      .nullable()
      .meta({ description: 'What each policy that has a say does; null: there is nothing to be judged' }),
  })
  .meta({ id: 'PullExplanation' });

/** As {@link parseImage}. @throws RefusedError bad-request */
export function parseImageReference(text: string): ReturnType<typeof parseImage> {
  try {
    return parseImage(text);
  } catch (error) {
    if (error instanceof OciError) throw new RefusedError('bad-request', error.detail, { cause: error });
    throw error;
  }
}

export function explanationBody(
  image: RepositoryName,
  reference: Reference,
  { upstreams, verdict, admission }: PullExplanation,
): AnswerOf<typeof explanationResponse> {
  return {
    image,
    reference,
    upstreams: upstreams.map(({ isAllowed: allowed, entry, ...upstream }) => ({
      ...upstream,
      allowed,
      entry: entry && { ...entry, fresh: entry.isFresh },
    })),
    verdict,
    admission: admission?.map(verdictBody),
  };
}

function verdictBody({
  policy,
  kind: verdict,
  reason,
  evidence,
  since,
  until,
}: Verdict): AnswerOf<typeof verdictResponse> {
  return { policy, verdict, reason, evidence, since, until };
}
