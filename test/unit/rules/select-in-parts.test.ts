import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { parseTagCriteria, selectInParts } from '../../../src/rules/select-in-parts.ts';
import { TagPattern, TagPatternError } from '../../../src/rules/tag-pattern.ts';

const tags = Array.from({ length: 60 }, (_, index) => ({ name: `v${index}`, updatedAt: index }));

async function* inOnePart() {
  yield tags;
}

/** What an expression of unusual cost takes for a name. */
function takeThreeMs(): void {
  for (const endsAt = performance.now() + 3; performance.now() < endsAt; );
}

/** How often others had a turn until it was done. */
async function turnsOfOthers(work: Promise<unknown>): Promise<number> {
  let isDone = false;
  const done = work.then(() => {
    isDone = true;
  });
  let turns = 0;
  for (; !isDone; turns += 1) await nextTurn();
  await done;
  return turns;
}

test('others have their turn while long lists of tags are matched, however much each name takes', async () => {
  const slow = TagPattern.parse('v.*');
  const matches = slow.matches.bind(slow);
  slow.matches = (tag) => {
    takeThreeMs();
    return matches(tag);
  };
  // No turn of ten milliseconds has room for more than four names.
  expect(await turnsOfOthers(selectInParts(inOnePart(), { delete: slow }, 1000))).toBeGreaterThanOrEqual(
    tags.length / 4,
  );
});

test('others have their turn while rules are asked what they guard', async () => {
  const findGuard = (tag: string) => {
    takeThreeMs();
    return tag === 'v7' ? ('protected' as const) : undefined;
  };
  const work = selectInParts(inOnePart(), { delete: TagPattern.parse('v.*'), findGuard }, 1000);
  expect(await turnsOfOthers(work)).toBeGreaterThanOrEqual(tags.length / 4);
  expect(await work).toHaveLength(tags.length);
  const kept = (await work).filter(({ keptBy }) => keptBy !== undefined);
  expect(kept).toMatchObject([{ tag: { name: 'v7' }, keptBy: 'protected' }]);
});

test('criteria mean what their texts say, and without a text there is none', () => {
  const findGuard = () => undefined;
  const full = parseTagCriteria(
    { nameRegexDelete: 'dev-.*', nameRegexKeep: 'v.*', keepN: 3, olderThanMs: 4 },
    findGuard,
  );
  expect(full).toMatchObject({ keepN: 3, olderThanMs: 4, findGuard });
  expect([full.delete?.matches('dev-1'), full.delete?.matches('v1')]).toEqual([true, false]);
  expect([full.keep?.matches('dev-1'), full.keep?.matches('v1')]).toEqual([false, true]);
  expect(parseTagCriteria({ nameRegexDelete: '.*', nameRegexKeep: '' }).keep).toBeUndefined();
  expect(() => parseTagCriteria({ nameRegexDelete: '(' })).toThrow(TagPatternError);
});
