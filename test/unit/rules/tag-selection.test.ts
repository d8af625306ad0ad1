import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { TagPattern } from '../../../src/rules/tag-pattern.ts';
import { selectTags, type TagCriteria, TagSelection } from '../../../src/rules/tag-selection.ts';

const now = 1_000_000;
const all = TagPattern.parse('.*');

/** Each was pushed a thousand milliseconds before the one before it. */
function tagsOf(...names: readonly string[]) {
  return names.map((name, index) => ({ name, updatedAt: now - (index + 1) * 1000 }));
}

/** What became of each: `gone`, or the rule that kept it. */
function outcome(names: readonly string[], criteria: TagCriteria): Record<string, string> {
  const decisions = selectTags(tagsOf(...names), criteria, now);
  return Object.fromEntries(decisions.map(({ tag, keptBy }) => [tag.name, keptBy ?? 'gone']));
}

describe('the selection of tags', () => {
  test('never takes latest, whatever the expression', () => {
    expect(outcome(['latest', 'Latest', 'latest-1'], { delete: TagPattern.parse('latest|.*') })).toEqual({
      latest: 'latest',
      Latest: 'gone',
      'latest-1': 'gone',
    });
  });

  test('takes what matches name_regex_delete and not name_regex_keep', () => {
    const criteria = { delete: TagPattern.parse('dev-.*'), keep: TagPattern.parse('.*-keep') };
    expect(outcome(['dev-1', 'dev-keep', 'v1', 'v1-keep'], criteria)).toEqual({
      'dev-1': 'gone',
      'dev-keep': 'name_regex_keep',
      v1: 'not_matched',
      'v1-keep': 'not_matched',
    });
  });

  test('takes nothing without name_regex_delete', () => {
    expect(outcome(['a'], { delete: undefined })).toEqual({ a: 'not_matched' });
  });

  test('keeps the newest n of those that match, and counts none of the others', () => {
    const criteria = { delete: TagPattern.parse('[a-z]'), keep: TagPattern.parse('b'), keepN: 2 };
    expect(outcome(['latest', 'X', 'b', 'c', 'd', 'e', 'f'], criteria)).toEqual({
      latest: 'latest',
      X: 'not_matched',
      b: 'name_regex_keep',
      c: 'keep_n',
      d: 'keep_n',
      e: 'gone',
      f: 'gone',
    });
  });

  test('keeps those that are not older than older_than, to the millisecond', () => {
    expect(outcome(['a', 'b', 'c'], { delete: all, olderThanMs: 2000 })).toEqual({
      a: 'older_than',
      b: 'older_than',
      c: 'gone',
    });
  });

  test('keeps those that were pushed or pulled within not_pulled_for, to the millisecond', () => {
    const tags = [
      { name: 'pulled', updatedAt: 0, pulledAt: now - 2000 },
      { name: 'not lately', updatedAt: 0, pulledAt: now - 2001 },
      { name: 'never', updatedAt: 0, pulledAt: undefined },
      { name: 'pushed', updatedAt: now - 2000, pulledAt: 0 },
    ];
    const decisions = selectTags(tags, { delete: all, notPulledForMs: 2000 }, now);
    expect(Object.fromEntries(decisions.map(({ tag, keptBy }) => [tag.name, keptBy ?? 'gone']))).toEqual({
      pulled: 'not_pulled_for',
      'not lately': 'gone',
      never: 'gone',
      pushed: 'not_pulled_for',
    });
  });

  test('counts keep_n before it looks at the age', () => {
    expect(outcome(['a', 'b', 'c', 'd'], { delete: all, keepN: 1, olderThanMs: 2000 })).toEqual({
      a: 'keep_n',
      b: 'older_than',
      c: 'gone',
      d: 'gone',
    });
  });

  test('asks last what is protected or immutable, and only about what would go', () => {
    const asked: string[] = [];
    const findGuard = (tag: string) => {
      asked.push(tag);
      return tag === 'c' ? 'protected' : tag === 'd' ? 'immutable' : undefined;
    };
    expect(
      outcome(['latest', 'a', 'b', 'c', 'd', 'e'], { delete: all, keepN: 1, olderThanMs: 3000, findGuard }),
    ).toEqual({ latest: 'latest', a: 'keep_n', b: 'older_than', c: 'protected', d: 'immutable', e: 'gone' });
    expect(asked).toEqual(['c', 'd', 'e']);
  });

  test('goes by name where tags were pushed at the same time', () => {
    const tags = ['b', 'c', 'a'].map((name) => ({ name, updatedAt: 1 }));
    const kept = selectTags(tags, { delete: all, keepN: 2 }, now).filter(({ keptBy }) => keptBy);
    expect(kept.map(({ tag }) => tag.name)).toEqual(['a', 'b']);
  });

  test('decides the same of tags in any order and in any parts, each once', () => {
    const tag = fc.record({
      name: fc.stringMatching(/^[a-d]{1,3}$/),
      updatedAt: fc.integer({ min: 0, max: 20 }),
    });
    const lists = fc.uniqueArray(tag, { selector: ({ name }) => name, maxLength: 30 });
    const criteria = {
      delete: TagPattern.parse('[abc]+'),
      keep: TagPattern.parse('.*b'),
      keepN: 3,
      olderThanMs: 5,
      findGuard: (name: string) => (name.startsWith('c') ? ('protected' as const) : undefined),
    };
    const sorted = (decisions: ReturnType<typeof selectTags>) =>
      decisions.map(({ tag: { name }, keptBy }) => `${name} ${keptBy}`).sort();
    fc.assert(
      fc.property(lists, fc.nat(), (tags, cut) => {
        const parts = new TagSelection(criteria);
        const at = tags.length === 0 ? 0 : cut % tags.length;
        parts.add(tags.slice(at));
        parts.add(tags.slice(0, at));
        const whole = selectTags(tags, criteria, 21);
        expect(sorted(parts.decide(21))).toEqual(sorted(whole));
        expect(whole.length).toBe(tags.length);
      }),
    );
  });
});
