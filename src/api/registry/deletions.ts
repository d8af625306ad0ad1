/** Deletes tags and manifests (end-9) and blobs (end-10) of one repository; their bytes are the collector's. */
import { parseDigest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import { parseReference, parseTag } from '../../oci/reference.ts';
import type { RequestContext } from '../state.ts';
import { answerEmpty } from './push-answers.ts';
import type { ChangeTarget } from './targets.ts';

export async function deleteManifest(
  ctx: RequestContext,
  { repository, segment }: ChangeTarget,
): Promise<void> {
  await repository.deleteManifest(parseReference(segment));
  answerEmpty(ctx, 202);
}

/** @throws OciError TAG_UNKNOWN, as GitLab says it here */
export async function deleteTag(
  ctx: RequestContext,
  { repository, name, segment }: ChangeTarget,
): Promise<void> {
  const tag = parseTag(segment);
  await repository.deleteManifest(tag).catch((cause: unknown) => {
    if (!(cause instanceof OciError) || cause.code !== 'MANIFEST_UNKNOWN') throw cause;
    throw new OciError('TAG_UNKNOWN', { detail: `${name} has no tag ${tag}`, cause });
  });
  answerEmpty(ctx, 202);
}

export async function deleteBlob(ctx: RequestContext, { repository, segment }: ChangeTarget): Promise<void> {
  await repository.deleteBlob(parseDigest(segment));
  answerEmpty(ctx, 202);
}
