/**
 * GET and HEAD of a manifest (end-3). Whatever the client accepts, it gets the stored bytes under their own type: no
 * manifest is ever converted, so answers do not vary with what is accepted.
 */
import { isDigestReference, parseReference } from '../../oci/reference.ts';
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
  const isImmutable = isDigestReference(reference);
  // Bytes have a digest in each algorithm; clients check the one that they asked for.
  const digest = isImmutable ? reference : answer.digest;
  ctx.state.outcome = answer.outcome;
  ctx.status = 200;
  ctx.set('Content-Type', answer.mediaType);
  ctx.set('Docker-Content-Digest', digest);
  ctx.set('ETag', `"${digest}"`);
  ctx.set('Cache-Control', isImmutable ? 'private, max-age=31536000, immutable' : 'private, no-cache');
  ctx.set('Cache-Status', cacheStatus[answer.outcome]);
  ctx.body = answer.payload;
  if (isNotModified(ctx)) ctx.status = 304;
  else if (isPull)
    note?.({
      mediaType: answer.mediaType,
      digest,
      size: answer.payload.length,
      tag: isImmutable ? undefined : reference,
    });
}
