/**
 * Which tags of a repository go and why each other one stays: the order of GitLab's bulk deletion, which is that of its cleanup policies.
 * Never `latest`; those that match `name_regex_delete` and not `name_regex_keep`; of these all but the newest `keep_n`; of these those
 * older than `older_than`, and neither pushed nor pulled for `not_pulled_for`, which is ours; of these those that nothing guards. "Newest" and "older" go by when a tag was pushed last. A tag without a
 * manifest, which GitLab leaves alone, cannot be here.
 */
import type { TagPattern } from './tag-pattern.ts';

export interface SelectableTag {
  readonly name: string;
  /** When it was pushed last; epoch milliseconds. */
  readonly updatedAt: number;
  /** When it, or its manifest, was pulled last; undefined: never, or it is not known. */
  readonly pulledAt?: number | undefined;
}

/** What keeps tags from everybody who cleans up. */
export type TagGuard = 'protected' | 'immutable';

/** The rule that kept a tag: the first in the order that did. */
export const keepRules = [
  'latest',
  'not_matched',
  'name_regex_keep',
  'keep_n',
  'older_than',
  'not_pulled_for',
  'protected',
  'immutable',
] as const;
export type KeepRule = (typeof keepRules)[number];

export interface TagCriteria {
  /** What names of tags that go match; undefined: nothing goes. */
  readonly delete: TagPattern | undefined;
  readonly keep?: TagPattern | undefined;
  /** How many of the newest that match stay; none where undefined. */
  readonly keepN?: number | undefined;
  /** Tags that were pushed less long ago stay. */
  readonly olderThanMs?: number | undefined;
  /** Tags that were pulled less long ago stay, too. */
  readonly notPulledForMs?: number | undefined;
  /** Says what guards a tag; asked only for tags that would go. */
  readonly findGuard?: ((tag: string) => TagGuard | undefined) | undefined;
}

export interface TagDecision<T extends SelectableTag> {
  readonly tag: T;
  /** Undefined: it goes, since it matches `name_regex_delete`. */
  readonly keptBy: KeepRule | undefined;
}

/**
 * Selects from long lists: names are matched as tags are added, so that whoever adds them in parts can let others run in between. Tags come
 * in any order.
 */
export class TagSelection<T extends SelectableTag> {
  readonly #criteria: TagCriteria;
  readonly #kept: TagDecision<T>[] = [];
  readonly #matching: T[] = [];

  constructor(criteria: TagCriteria) {
    this.#criteria = criteria;
  }

  add(tags: Iterable<T>): void {
    for (const tag of tags) {
      const keptBy = this.#findNameRule(tag.name);
      if (keptBy) this.#kept.push({ tag, keptBy });
      else this.#matching.push(tag);
    }
  }

  /** What becomes of each tag that was added: first those whose names keep them, then the others, newest first. @param now epoch milliseconds */
  decide(now: number): readonly TagDecision<T>[] {
    const { keepN = 0, olderThanMs, notPulledForMs, findGuard } = this.#criteria;
    const isWithin = (instant: number, ms: number | undefined) => ms !== undefined && instant >= now - ms;
    const newest = this.#matching.toSorted(newestFirst);
    const others = newest.map((tag, index): TagDecision<T> => {
      if (index < keepN) return { tag, keptBy: 'keep_n' };
      if (isWithin(tag.updatedAt, olderThanMs)) return { tag, keptBy: 'older_than' };
      const usedAt = Math.max(tag.updatedAt, tag.pulledAt ?? 0);
      return { tag, keptBy: isWithin(usedAt, notPulledForMs) ? 'not_pulled_for' : findGuard?.(tag.name) };
    });
    return [...this.#kept, ...others];
  }

  #findNameRule(name: string): KeepRule | undefined {
    if (name === 'latest') return 'latest';
    if (!this.#criteria.delete?.matches(name)) return 'not_matched';
    return this.#criteria.keep?.matches(name) ? 'name_regex_keep' : undefined;
  }
}

/** As {@link TagSelection.decide}, for these tags. */
export function selectTags<T extends SelectableTag>(
  tags: Iterable<T>,
  criteria: TagCriteria,
  now: number,
): readonly TagDecision<T>[] {
  const selection = new TagSelection<T>(criteria);
  selection.add(tags);
  return selection.decide(now);
}

/** The order is the same at each run: tags that were pushed at the same time go by their names. */
function newestFirst(a: SelectableTag, b: SelectableTag): number {
  return b.updatedAt - a.updatedAt || (a.name < b.name ? -1 : 1);
}
