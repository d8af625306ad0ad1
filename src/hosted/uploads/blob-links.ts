/** Makes blobs readable through a repository: the transaction that commits and mounts have in common. */

import type { ReviewEvent } from '../../metadata/collector/enqueue-reviews.ts';
import type { BlobRecord } from '../../metadata/content/blobs.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import { octetStream } from '../../oci/media-types.ts';
import type { RepositoryName } from '../../oci/reference.ts';
import { demandRoom } from '../changes/quotas.ts';
import { recordEvents } from '../changes/write-records.ts';
import { demandLasting, type PushTarget } from '../changes/write-target.ts';

export interface NewLink {
  readonly digest: Digest;
  /** Size of the blob in bytes. */
  readonly size: number;
  /** The record to make where there is none yet; undefined: there must be one. */
  readonly record?: BlobRecord | undefined;
  readonly event: Extract<ReviewEvent, 'blob_upload' | 'blob_mount'>;
  /** The repository that a mount takes the blob from. */
  readonly fromRepository?: RepositoryName | undefined;
}

/**
 * Links the blob, and makes the repository where absent. A project is locked before its repositories, and those before its uploads, as when a
 * project is deleted.
 * @returns the record that counts: another copy may have been recorded first
 * @throws OciError DENIED over a quota, or in a repository that is being deleted; MissingOwner when the project is gone, MissingContent when
 * there is no record
 */
export async function linkBlob(
  tx: Records,
  target: PushTarget,
  { digest, size, record, event, fromRepository }: NewLink,
): Promise<BlobRecord> {
  const { projectId, name } = target;
  await demandRoom(tx, projectId, digest, size);
  const repository = await tx.repositories.ensure(projectId, name);
  demandLasting(repository);
  const kept = await tx.repositoryBlobs.link(repository.id, digest, record);
  await tx.reviews.addLinks(repository.id, [digest], event);
  const action = event === 'blob_mount' ? 'mount' : 'push';
  await recordEvents(tx, target, repository.id, {
    action,
    mediaType: octetStream,
    digest,
    size,
    fromRepository,
  });
  return kept;
}
