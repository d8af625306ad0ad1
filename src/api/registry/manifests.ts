/**
 * GET and HEAD of a manifest (end-3). Whatever the client accepts, it gets the stored bytes under their own type: no
 * manifest is ever converted, so answers do not vary with what is accepted.
 */
import { isDigestReference, parseReference } from '../../oci/reference.ts';
import { isNotModified } from '../conditions.ts';
import type { RequestContext } from '../state.ts';
import { contentHeaders, digestFor } from './content-headers.ts';
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
  ctx.set(contentHeaders(answer, reference));
  ctx.body = answer.payload;
  if (isNotModified(ctx)) ctx.status = 304;
  else if (isPull)
    note?.({
      mediaType: answer.mediaType,
      digest: digestFor(answer.digest, reference),
      size: answer.payload.length,
      tag: isDigestReference(reference) ? undefined : reference,
    });
}
