/**
 * What protects tags, asked for within the transaction of the change and after the repository is held: no tag can move in between.
 * Refused with 403, where GitLab says 401: that would have to come with a challenge, and mean that other credentials help.
 */

import { Turn } from '../../concurrency/turn.ts';
import type { Records } from '../../metadata/db/records.ts';
import type { Digest } from '../../oci/digest.ts';
import { OciError } from '../../oci/errors.ts';
import type { Tag } from '../../oci/reference.ts';
import { describeLevel } from '../../rules/protection-levels.ts';
import { type TagFault, type TagPatterns, TagProtection } from '../../rules/tag-protection.ts';
import type { PushTarget } from '../uploads/push-target.ts';

const codes = { protected: 'PROTECTED_TAG', immutable: 'IMMUTABLE_TAG' } as const;

/** @throws OciError PROTECTED_TAG; IMMUTABLE_TAG where one of the tags names another manifest */
export async function demandTaggable(
  tx: Records,
  patterns: TagPatterns,
  target: PushTarget,
  repositoryId: number,
  tags: readonly Tag[],
  digest: Digest,
): Promise<void> {
  if (tags.length === 0) return;
  const protection = await protectionOf(tx, patterns, target);
  if (protection.isEmpty) return;
  const turn = new Turn();
  for (const tag of tags) {
    const before = await tx.tags.find(repositoryId, tag);
    const change = before === undefined || before === digest ? 'create' : 'overwrite';
    const fault = protection.findFault(tag, change, target.writer.protectionLevel);
    if (turn.isOver) await turn.next();
    if (!fault) continue;
    const detail = `tag ${tag} of ${target.name} cannot be pushed: ${describe(fault)}`;
    throw new OciError(codes[fault.guard], { detail });
  }
}

/** @throws OciError PROTECTED_TAG, IMMUTABLE_TAG */
export async function demandTagDeletable(
  tx: Records,
  patterns: TagPatterns,
  target: PushTarget,
  tag: Tag,
): Promise<void> {
  const protection = await protectionOf(tx, patterns, target);
  const fault = protection.findFault(tag, 'delete', target.writer.protectionLevel);
  if (!fault) return;
  const detail = `tag ${tag} of ${target.name} cannot be deleted: ${describe(fault)}`;
  throw new OciError(codes[fault.guard], { detail });
}

/** Its tags would go with it. @throws OciError PROTECTED_MANIFEST */
export async function demandManifestDeletable(
  tx: Records,
  patterns: TagPatterns,
  target: PushTarget,
  repositoryId: number,
  digest: Digest,
): Promise<void> {
  const protection = await protectionOf(tx, patterns, target);
  if (protection.isEmpty) return;
  const turn = new Turn();
  for (const tag of await tx.tags.listNaming(repositoryId, digest)) {
    const fault = protection.findFault(tag, 'delete', target.writer.protectionLevel);
    if (turn.isOver) await turn.next();
    if (!fault) continue;
    const detail = `manifest ${digest} of ${target.name} cannot be deleted with its tag ${tag}: ${describe(fault)}`;
    throw new OciError('PROTECTED_MANIFEST', { detail });
  }
}

async function protectionOf(
  { tagProtectionRules }: Records,
  patterns: TagPatterns,
  { projectId }: PushTarget,
): Promise<TagProtection> {
  return new TagProtection(await tagProtectionRules.list(projectId), patterns);
}

function describe(fault: TagFault): string {
  return fault.guard === 'protected'
    ? `it is protected, and asks for the role ${describeLevel(fault.level)}`
    : `it is immutable by the rule ${fault.pattern}`;
}
