/**
 * GET and HEAD of a manifest (end-3). Whatever the client accepts, it gets the stored bytes under their own type: no
 * manifest is ever converted, so answers do not vary with what is accepted.
 */
import type { Digest } from '../../oci/digest.ts';
import { isDigestReference, parseReference, type Reference } from '../../oci/reference.ts';
import type { ManifestAnswer } from '../../oci/repository.ts';
import { isNotModified } from '../conditions.ts';
import type { RequestContext } from '../state.ts';
import { cacheStatus } from './cache-status.ts';
import type { PullTarget } from './targets.ts';

export async function answerManifest(
  ctx: RequestContext,
  { repository, segment, note }: PullTarget,
): Promise<void> {
  const reference = parseReference(segment);
  const isPull = ctx.method === 'GET';
  const answer = await repository.manifest(reference, isPull, ctx.state.left);
  ctx.state.outcome = answer.outcome;
  ctx.status = 200;
  ctx.set(manifestHeaders(answer, reference));
  ctx.body = answer.payload;
  if (isNotModified(ctx)) ctx.status = 304;
  else if (isPull)
    note?.({
      mediaType: answer.mediaType,
      digest: digestFor(answer, reference),
      size: answer.payload.length,
      tag: isDigestReference(reference) ? undefined : reference,
    });
}

export function manifestHeaders(answer: ManifestAnswer, reference: Reference) {
  const digest = digestFor(answer, reference);
  const isImmutable = isDigestReference(reference);
  return {
    'Content-Type': answer.mediaType,
    'Docker-Content-Digest': digest,
    ETag: `"${digest}"`,
    'Cache-Control': isImmutable ? 'private, max-age=31536000, immutable' : 'private, no-cache',
    'Cache-Status': cacheStatus[answer.outcome],
  };
}

/** Bytes have a digest in each algorithm; clients check the one that they asked for. */
function digestFor({ digest }: ManifestAnswer, reference: Reference): Digest {
  return isDigestReference(reference) ? reference : digest;
}
