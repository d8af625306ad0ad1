/** Deleting tags and manifests (end-9) and blobs (end-10) of one repository. The bytes are another matter. */
import { OciError } from '../../oci/errors.ts';
import { parseTag } from '../../oci/reference.ts';
import { type ChangeTarget, digestOf, type EndpointContext, referenceOf, segmentOf } from './endpoint.ts';
import { answerEmpty } from './push-answers.ts';

export async function deleteManifest(ctx: EndpointContext, { repository }: ChangeTarget): Promise<void> {
  await repository.deleteManifest(referenceOf(ctx));
  answerEmpty(ctx, 202);
}

/** @throws OciError TAG_UNKNOWN, as GitLab says it here */
export async function deleteTag(ctx: EndpointContext, { repository, name }: ChangeTarget): Promise<void> {
  const tag = parseTag(segmentOf(ctx, 'tag'));
  await repository.deleteManifest(tag).catch((cause: unknown) => {
    if (!(cause instanceof OciError) || cause.code !== 'MANIFEST_UNKNOWN') throw cause;
    throw new OciError('TAG_UNKNOWN', { detail: `${name} has no tag ${tag}`, cause });
  });
  answerEmpty(ctx, 202);
}

export async function deleteBlob(ctx: EndpointContext, { repository }: ChangeTarget): Promise<void> {
  await repository.deleteBlob(digestOf(ctx));
  answerEmpty(ctx, 202);
}
