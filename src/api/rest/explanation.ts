/** An explanation of a pull as JSON. */

import type { Reference, RepositoryName } from '../../oci/reference.ts';
import type { PullExplanation, UpstreamExplanation } from '../../proxy/explain.ts';
import { formatInstant } from './dates.ts';

export function explanationBody(
  image: RepositoryName,
  reference: Reference,
  { upstreams, verdict }: PullExplanation,
) {
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

function upstreamBody({ entry, answer, ...upstream }: UpstreamExplanation) {
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
