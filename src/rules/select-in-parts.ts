/** Selections of long lists, between whose parts others run: a hundred thousand names are matched in no time, but not in one. */
import { setImmediate as others } from 'node:timers/promises';
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

/** Expressions of unusual cost take a while for each name. */
const tagsAtOnce = 100;

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

/** As selectTags. @param now epoch milliseconds */
export async function selectInParts<T extends SelectableTag>(
  lists: AsyncIterable<readonly T[]>,
  criteria: TagCriteria,
  now: number,
): Promise<readonly TagDecision<T>[]> {
  const selection = new TagSelection<T>(criteria);
  for await (const tags of lists) {
    for (let start = 0; start < tags.length; start += tagsAtOnce) {
      selection.add(tags.slice(start, start + tagsAtOnce));
      await others();
    }
  }
  return selection.decide(now);
}
