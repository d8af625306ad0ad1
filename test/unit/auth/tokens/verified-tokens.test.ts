import { expect, test } from 'vitest';
import { VerifiedTokens } from '../../../../src/auth/tokens/verified-tokens.ts';

const start = Date.UTC(2026, 2, 4);
const bearerOf = (grants: number, refusals: number) => ({
  access: Array.from({ length: grants }, () => ({})),
  refused: Array.from({ length: refusals }, () => ({})),
});

test('a verified token is known until it expires, and no other is', () => {
  let now = start;
  const tokens = new VerifiedTokens(() => now);
  const bearer = bearerOf(0, 0);
  tokens.add('token', { bearer, expiresAt: start + 1000 });
  expect(tokens.find('another')).toBeUndefined();
  now = start + 999;
  expect(tokens.find('token')).toBe(bearer);
  now = start + 1000;
  expect(tokens.find('token')).toBeUndefined();
});

test('the oldest are forgotten where all together carry and were refused more than 100000 scopes', () => {
  const tokens = new VerifiedTokens(() => start);
  const verified = { bearer: bearerOf(30_000, 20_000), expiresAt: start + 1000 };
  tokens.add('first', verified);
  tokens.add('second', { ...verified, bearer: bearerOf(29_998, 20_000) });
  expect(tokens.find('first')).toBeDefined();
  tokens.add('third', { ...verified, bearer: bearerOf(0, 0) });
  expect(['first', 'second', 'third'].map((token) => tokens.find(token) !== undefined)).toEqual([
    true,
    false,
    true,
  ]);
});
