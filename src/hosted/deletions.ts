/**
 * Deletes what makes content reachable, never content itself; whatever may be of use to nobody afterwards is put up for review in the
 * same transaction, one at a time in each repository.
 */
import type { Records } from '../metadata/db/records.ts';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { octetStream } from '../oci/media-types.ts';
import { isDigestReference, type Reference, type Tag } from '../oci/reference.ts';
import type { TagPatterns } from '../rules/tag-protection.ts';
import { recordWrite } from './audit.ts';
import { demandLasting } from './deleted-repository.ts';
import { recordEvents } from './events.ts';
import type { HostedOptions } from './hosted-options.ts';
import { demandManifestDeletable, demandTagDeletable } from './tags/tag-guards.ts';
import type { PushTarget } from './uploads/push-target.ts';

export interface DeletionOptions extends Pick<HostedOptions, 'database' | 'limits'> {
  readonly tagPatterns: TagPatterns;
}

/** @throws OciError MANIFEST_UNKNOWN, MANIFEST_REFERENCED, PROTECTED_TAG, IMMUTABLE_TAG, PROTECTED_MANIFEST, UNSUPPORTED */
export function deleteManifest(
  options: DeletionOptions,
  target: PushTarget,
  reference: Reference,
): Promise<void> {
  return change(options, target, async (tx, id) => {
    const isDeleted =
      id !== undefined &&
      (isDigestReference(reference)
        ? await removeManifest(options, tx, target, id, reference)
        : await removeTag(options, tx, target, id, reference));
    if (!isDeleted)
      throw new OciError('MANIFEST_UNKNOWN', { detail: `${target.name} has no manifest ${reference}` });
  });
}

/** @throws OciError BLOB_UNKNOWN, UNSUPPORTED, DENIED (409) where a manifest refers to it and that protects it */
export function deleteBlob(options: DeletionOptions, target: PushTarget, digest: Digest): Promise<void> {
  return change(options, target, async (tx, id) => {
    const { repositoryBlobs, repositoryManifests } = tx;
    const isProtected = id !== undefined && options.limits.protectReferencedManifests;
    // What an index lists may be blobs.
    const isReferenced =
      isProtected &&
      ((await repositoryBlobs.isReferenced(id, digest)) ||
        (await repositoryManifests.isReferenced(id, digest)));
    if (isReferenced) {
      const detail = `a manifest of ${target.name} refers to blob ${digest}: delete the manifest first`;
      throw new OciError('DENIED', { detail, status: 409 });
    }
    if (id === undefined || !(await repositoryBlobs.unlink(id, digest)))
      throw new OciError('BLOB_UNKNOWN', { detail: `${target.name} has no blob ${digest}` });
    await tx.reviews.addBlobs([digest], 'blob_delete');
    await recordWrite(tx, target, 'blob.delete', digest);
    await recordEvents(tx, target, id, { action: 'delete', mediaType: octetStream, digest });
  });
}

/** @param run with the repository held; undefined where there is none */
async function change(
  { database, limits }: DeletionOptions,
  { name }: PushTarget,
  run: (tx: Records, id: number | undefined) => Promise<void>,
): Promise<void> {
  if (!limits.deleteEnabled)
    throw new OciError('UNSUPPORTED', { detail: 'deleting is turned off here (storage.delete_enabled)' });
  await database.transaction(async (tx) => {
    const known = await tx.repositories.findByName(name);
    demandLasting(known);
    await run(tx, known && (await tx.repositories.hold(known.id)) ? known.id : undefined);
  });
}

async function removeTag(
  { tagPatterns }: DeletionOptions,
  tx: Records,
  target: PushTarget,
  id: number,
  tag: Tag,
): Promise<boolean> {
  const digest = await tx.tags.remove(id, tag, target.writer.name);
  if (digest === undefined) return false;
  await demandTagDeletable(tx, tagPatterns, target, tag);
  await tx.reviews.addManifests(id, [digest], 'tag_delete');
  await recordWrite(tx, target, 'tag.delete', tag, { digest });
  await recordEvents(tx, target, id, { action: 'delete', tag, digest });
  return true;
}

async function removeManifest(
  { limits, tagPatterns }: DeletionOptions,
  tx: Records,
  target: PushTarget,
  id: number,
  digest: Digest,
): Promise<boolean> {
  const { repositoryManifests } = tx;
  await demandManifestDeletable(tx, tagPatterns, target, id, digest);
  if (limits.protectReferencedManifests && (await repositoryManifests.isReferenced(id, digest))) {
    const detail = `an index of ${target.name} refers to manifest ${digest}: delete the index first`;
    throw new OciError('MANIFEST_REFERENCED', { detail });
  }
  if (!(await repositoryManifests.remove(id, digest))) return false;
  await recordWrite(tx, target, 'manifest.delete', digest);
  await recordEvents(tx, target, id, { action: 'delete', digest });
  return true;
}
