/** Selects from long lists in parts, between which others have their turn: a hundred thousand names at once would keep them waiting. */

import { Turn } from '../concurrency/turn.ts';
import { TagPattern } from './tag-pattern.ts';
import {
  type SelectableTag,
  type TagCriteria,
  type TagDecision,
  type TagGuard,
  TagSelection,
} from './tag-selection.ts';

/** Criteria as people write them and as they are kept. */
export interface TagCriteriaTexts {
  readonly nameRegexDelete: string;
  readonly nameRegexKeep?: string | undefined;
  readonly keepN?: number | undefined;
  readonly olderThanMs?: number | undefined;
}

/** @throws TagPatternError */
export function parseTagCriteria(
  { nameRegexDelete, nameRegexKeep, keepN, olderThanMs }: TagCriteriaTexts,
  findGuard?: (tag: string) => TagGuard | undefined,
): TagCriteria {
  return {
    delete: TagPattern.parse(nameRegexDelete),
    keep: nameRegexKeep ? TagPattern.parse(nameRegexKeep) : undefined,
    keepN,
    olderThanMs,
    findGuard,
  };
}

/**
 * As selectTags, in parts: expressions of unusual cost take milliseconds for each name, and so do those of rules that guard.
 * @param now epoch milliseconds
 */
export async function selectInParts<T extends SelectableTag>(
  lists: AsyncIterable<readonly T[]>,
  { findGuard, ...criteria }: TagCriteria,
  now: number,
): Promise<readonly TagDecision<T>[]> {
  const turn = new Turn();
  const selection = new TagSelection<T>(criteria);
  for await (const tags of lists) {
    for (const tag of tags) {
      selection.add([tag]);
      if (turn.isOver) await turn.next();
    }
  }
  const decisions: TagDecision<T>[] = [];
  for (const { tag, keptBy } of selection.decide(now)) {
    decisions.push({ tag, keptBy: keptBy ?? findGuard?.(tag.name) });
    if (turn.isOver) await turn.next();
  }
  return decisions;
}
