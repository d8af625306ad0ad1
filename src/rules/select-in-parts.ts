/** Selections of long lists, between whose parts others run: a hundred thousand names are matched in no time, but not in one. */

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

/** As selectTags. Expressions of unusual cost take milliseconds for each name, those of rules that guard as well. @param now epoch milliseconds */
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
