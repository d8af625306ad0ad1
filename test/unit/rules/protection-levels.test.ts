import { expect, test } from 'vitest';
import { describeLevel, protectionLevelName } from '../../../src/rules/protection-levels.ts';

test.each([
  [0, 'maintainer', 'Maintainer'],
  [40, 'maintainer', 'Maintainer'],
  [41, 'owner', 'Owner'],
  [50, 'owner', 'Owner'],
  [51, 'admin', 'administrator'],
  [60, 'admin', 'administrator'],
])('level %i is that of %s, for people %s', (level, name, title) => {
  expect([protectionLevelName(level), describeLevel(level)]).toEqual([name, title]);
});
