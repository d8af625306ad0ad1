import { describe, expect, test } from 'vitest';
import { ImagePattern } from '../../../src/rules/image-pattern.ts';

function matches(pattern: string, name: string): boolean | undefined {
  return ImagePattern.find(pattern)?.matches(name);
}

describe('a pattern of images', () => {
  test.each([
    ['library/redis', 'library/redis', true],
    ['library/redis', 'library/redis2', false],
    ['library/*', 'library/redis', true],
    ['library/*', 'library/a/b', false],
    ['library/**', 'library/a/b', true],
    ['**', 'anything/at/all', true],
    ['*', 'redis', true],
    ['*', 'library/redis', false],
    ['3.*', '3.19', true],
    ['3.*', '3119', false],
    ['v*-slim', 'v1.2-slim', true],
  ])('%s and %s: %s', (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  test('may have as many characters as a name', () => {
    expect(matches('a'.repeat(255), 'a'.repeat(255))).toBe(true);
  });

  test('is none where no name could match it', () => {
    for (const text of ['', 'a b', 'a(b', 'a?', '[a]', 'a'.repeat(256)])
      expect(ImagePattern.find(text)).toBeUndefined();
  });

  test('with many stars takes no time that grows with them', () => {
    // Where each star is tried at each place, this does not end.
    expect(matches('*a'.repeat(120), `${'a'.repeat(200)}b`)).toBe(false);
  });
});
