/** Deleting tags and manifests (end-9) and blobs (end-10) of one repository. The bytes are another matter. */
import { parseTag } from '../../oci/reference.ts';
import { type ChangeTarget, digestOf, type EndpointContext, referenceOf, segmentOf } from './endpoint.ts';
import { answerEmpty } from './push-answers.ts';

export async function deleteManifest(ctx: EndpointContext, { repository }: ChangeTarget): Promise<void> {
  await repository.deleteManifest(referenceOf(ctx));
  answerEmpty(ctx, 202);
}

export async function deleteTag(ctx: EndpointContext, { repository }: ChangeTarget): Promise<void> {
  await repository.deleteManifest(parseTag(segmentOf(ctx, 'tag')));
  answerEmpty(ctx, 202);
}

export async function deleteBlob(ctx: EndpointContext, { repository }: ChangeTarget): Promise<void> {
  await repository.deleteBlob(digestOf(ctx));
  answerEmpty(ctx, 202);
}
