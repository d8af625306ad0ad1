/**
 * Deletes what makes content reachable, never content itself; whatever may be of use to nobody afterwards is put up for review. Parts of
 * transactions: one at a time in each repository.
 */
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import { octetStream } from '../../oci/media-types.ts';
import type { Tag } from '../../oci/reference.ts';
import type { ChangeRules } from '../hosted-options.ts';
import { demandManifestDeletable, demandTagDeletable } from './protection.ts';
import { HostedRefusal } from './refusal.ts';
import { recordEvents, recordWrite } from './write-records.ts';
import { holdRepository, type WriteTarget } from './write-target.ts';

/** @throws HostedRefusal deleting-off */
export function demandDeleting({ limits }: Pick<ChangeRules, 'limits'>): void {
  if (!limits.deleteEnabled)
    throw new HostedRefusal('deleting-off', 'deleting is turned off here (storage.delete_enabled)');
}

/** The manifest that the tag names stays. @throws HostedRefusal tag-unknown, delete-protected, delete-immutable, deleting-off, being-deleted */
export async function deleteTag(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
  tag: Tag,
): Promise<void> {
  demandDeleting(rules);
  const unknown = new HostedRefusal('tag-unknown', `${target.name} has no manifest ${tag}`);
  const id = await holdRepository(tx, target);
  if (id === undefined) throw unknown;
  const digest = await tx.tags.remove(id, tag, target.writer.name);
  if (digest === undefined) throw unknown;
  await demandTagDeletable(tx, rules.tagPatterns, target, tag);
  await tx.reviews.addManifests(id, [digest], 'tag_delete');
  await recordWrite(tx, target, 'tag.delete', tag, { digest });
  await recordEvents(tx, target, id, { action: 'delete', tag, digest });
}

/** Its tags go with it. @throws HostedRefusal manifest-unknown, manifest-protected, manifest-referenced, deleting-off, being-deleted */
export async function deleteManifest(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
  digest: Digest,
): Promise<void> {
  demandDeleting(rules);
  const unknown = new HostedRefusal('manifest-unknown', `${target.name} has no manifest ${digest}`);
  const { repositoryManifests } = tx;
  const id = await holdRepository(tx, target);
  if (id === undefined) throw unknown;
  await demandManifestDeletable(tx, rules.tagPatterns, target, id, digest);
  const { protectReferencedManifests } = rules.limits;
  if (protectReferencedManifests && (await repositoryManifests.isReferenced(id, digest)))
    throw new HostedRefusal(
      'manifest-referenced',
      `an index of ${target.name} refers to manifest ${digest}`,
      'delete the index first',
    );
  if (!(await repositoryManifests.remove(id, digest))) throw unknown;
  await recordWrite(tx, target, 'manifest.delete', digest);
  await recordEvents(tx, target, id, { action: 'delete', digest });
}

/**
 * Only the repository's link of the blob goes.
 * @throws HostedRefusal blob-unknown, blob-referenced where a manifest refers to it and that protects it, deleting-off, being-deleted
 */
export async function deleteBlob(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
  digest: Digest,
): Promise<void> {
  demandDeleting(rules);
  const unknown = new HostedRefusal('blob-unknown', `${target.name} has no blob ${digest}`);
  const id = await holdRepository(tx, target);
  if (id === undefined) throw unknown;
  if (rules.limits.protectReferencedManifests && (await isReferenced(tx, id, digest)))
    throw new HostedRefusal(
      'blob-referenced',
      `a manifest of ${target.name} refers to blob ${digest}`,
      'delete the manifest first',
    );
  if (!(await tx.repositoryBlobs.unlink(id, digest))) throw unknown;
  await tx.reviews.addBlobs([digest], 'blob_delete');
  await recordWrite(tx, target, 'blob.delete', digest);
  await recordEvents(tx, target, id, { action: 'delete', mediaType: octetStream, digest });
}

/** An index may list blobs, too. */
async function isReferenced(
  { repositoryBlobs, repositoryManifests }: Records,
  id: number,
  digest: Digest,
): Promise<boolean> {
  return (
    (await repositoryBlobs.isReferenced(id, digest)) || (await repositoryManifests.isReferenced(id, digest))
  );
}
