/** How the collector removes what nothing holds: part of the transaction that found so. */

import type { Review } from '../metadata/collector/review-queue.ts';
import type { Records } from '../metadata/db/records.ts';
import type { StorageKey } from '../storage/blob-store.ts';

export interface Held {
  /** Of the blob or payload. */
  readonly bytes: number;
  readonly storageKey?: StorageKey | undefined;
}

/**
 * From now on nobody can begin to rely on it: pushes of manifests hold their repository, and what they rely on; links and entries hold
 * the record that they link. They wait for the end of this transaction, and then see that it is gone.
 */
export async function hold(tx: Records, { kind, digest, repositoryId }: Review): Promise<Held> {
  switch (kind) {
    case 'manifest':
      await tx.repositories.lock(repositoryId);
      return { bytes: 0 };
    case 'link':
      await tx.repositoryBlobs.hold(repositoryId, digest);
      return { bytes: 0 };
    case 'blob': {
      const blob = await tx.blobs.hold(digest);
      return { bytes: blob?.size ?? 0, storageKey: blob?.storageKey };
    }
    case 'payload':
      return { bytes: (await tx.manifests.hold(digest)) ?? 0 };
  }
}

/** With its review. What it held is put up for review in its turn. */
export async function removeGarbage(tx: Records, review: Review, held: Held, why: string): Promise<void> {
  const { kind, digest, repositoryId } = review;
  switch (kind) {
    case 'manifest':
      await tx.repositories.hold(repositoryId);
      await tx.repositoryManifests.remove(repositoryId, digest);
      await tx.auditEvents.add(await collectedEvent(tx, review, why));
      return;
    case 'link':
      await tx.repositoryBlobs.unlink(repositoryId, digest);
      await tx.reviews.addBlobs([digest], 'link_collect');
      return;
    case 'blob':
      if (held.storageKey !== undefined) await tx.blobs.remove(digest, held.storageKey);
      await tx.reviewQueue.remove(review);
      return;
    case 'payload':
      await tx.manifests.remove(digest);
      await tx.reviewQueue.remove(review);
      return;
  }
}

/** A manifest is what people know; links, bytes and payloads follow from it. */
async function collectedEvent(tx: Records, { digest, repositoryId }: Review, reason: string) {
  const repository = await tx.repositories.find(repositoryId);
  const name = repository?.name;
  const project = repository && (await tx.projects.find(repository.projectId));
  return {
    actorName: 'collector',
    action: 'manifest.collect',
    targetId: `${name}@${digest}`,
    details: { repository: name, reason },
    projectPath: project?.fullPath,
  };
}
