/** Deletes tags that somebody chose by their names, a page of them at most, at once: what rules guard stays, and is told so. */
import type { Records } from '../../metadata/db/records.ts';
import type { TagDecision } from '../../rules/tag-selection.ts';
import { demandDeleting } from '../changes/deletions.ts';
import { protectionOf } from '../changes/protection.ts';
import { holdRepository, type WriteTarget } from '../changes/write-target.ts';
import type { ChangeRules } from '../hosted-options.ts';
import { type PushedTag, removeTags } from './tag-removal.ts';

/** What would become of each of the tags that there is. */
export async function decideNamed(
  { tags, protectionRules }: Pick<Records, 'tags' | 'protectionRules'>,
  { tagPatterns }: Pick<ChangeRules, 'tagPatterns'>,
  target: WriteTarget,
  repositoryId: number,
  names: readonly string[],
): Promise<readonly TagDecision<PushedTag>[]> {
  const level = target.writer.protectionLevel;
  const protection = await protectionOf({ protectionRules }, target, level, tagPatterns);
  const found = await tags.listPushed(repositoryId, names);
  return found.map((tag) => ({ tag, keptBy: protection.findTagGuard(target.name, tag.name) }));
}

/** Deletes them as decided. Part of a transaction. @throws HostedRefusal deleting-off, being-deleted */
export async function deleteNamed(
  tx: Records,
  rules: ChangeRules,
  target: WriteTarget,
  names: readonly string[],
): Promise<readonly TagDecision<PushedTag>[]> {
  demandDeleting(rules);
  const id = await holdRepository(tx, target);
  if (id === undefined) return [];
  const decisions = await decideNamed(tx, rules, target, id, names);
  const going = decisions.filter(({ keptBy }) => keptBy === undefined).map(({ tag }) => tag.name);
  await removeTags(tx, target, id, going, Number.MAX_SAFE_INTEGER);
  return decisions;
}
