/** A tag that was deleted comes back, as long as its manifest is there: as a push of it. Part of a transaction. */
import type { Records } from '../../metadata/db/records.ts';
import type { DeletedTag } from '../../metadata/hosted/deleted-tags.ts';
import { demandTaggable } from '../changes/protection.ts';
import { HostedRefusal, tooManyTags } from '../changes/refusal.ts';
import { recordEvents, recordWrite } from '../changes/write-records.ts';
import { holdRepository, type WriteTarget } from '../changes/write-target.ts';
import type { ChangeRules } from '../hosted-options.ts';

/**
 * @param deletedTagId number of the deleted tag's record
 * @throws HostedRefusal deleted-tag-unknown, tag-exists, too-many-tags, push-protected, being-deleted
 */
export async function restoreTag(
  tx: Records,
  { limits, tagPatterns }: ChangeRules,
  target: WriteTarget,
  deletedTagId: number,
): Promise<DeletedTag> {
  const id = await holdRepository(tx, target);
  const deleted = await tx.deletedTags.find(deletedTagId);
  if (id === undefined || deleted?.repositoryId !== id)
    throw new HostedRefusal('deleted-tag-unknown', `${target.name} has no such deleted tag`);
  const { name, digest } = deleted;
  if (await tx.tags.find(id, name))
    throw new HostedRefusal('tag-exists', `there is a tag ${name} again: delete it first`);
  if ((await tx.tags.count(id)) >= limits.maxTags) throw tooManyTags(limits.maxTags);
  await demandTaggable(tx, tagPatterns, target, id, [name], digest);
  await tx.tags.put(id, name, digest, target.writer.name);
  await tx.deletedTags.forget(deletedTagId);
  await recordWrite(tx, target, 'tag.restore', name, { digest });
  const mediaType = (await tx.tagLists.find(id, name))?.mediaType;
  await recordEvents(tx, target, id, { action: 'push', mediaType, tag: name, digest });
  return deleted;
}
