import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SecretBox } from '../../../../src/auth/credentials/secret-box.ts';

const box = new SecretBox(randomBytes(32));

test('what was sealed opens again in its own context, whatever its characters', () => {
  for (const text of ['', 'pässwörd 🔑', 'x'.repeat(10_000)]) {
    expect(box.open(box.seal(text, 'upstream:7'), 'upstream:7')).toBe(text);
  }
});

test('the same text is never sealed to the same text, and does not show', () => {
  const [first, second] = [box.seal('hunter2', 'upstream:7'), box.seal('hunter2', 'upstream:7')];
  expect(first).not.toBe(second);
  expect(Buffer.from(first.slice(3), 'base64url').includes('hunter2')).toBe(false);
});

test('a sealed text does not open in another context, with another key or after a change', () => {
  const sealed = box.seal('hunter2', 'upstream:7');
  const last = sealed.at(-1) === 'A' ? 'B' : 'A';
  const body = Buffer.from(sealed.slice(3), 'base64url');
  body[14] = (body[14] ?? 0) ^ 1;
  expect(() => box.open(sealed, 'upstream:8')).toThrow(/does not open/);
  expect(() => new SecretBox(randomBytes(32)).open(sealed, 'upstream:7')).toThrow(/does not open/);
  expect(() => box.open(`v1.${body.toString('base64url')}`, 'upstream:7')).toThrow(/does not open/);
  expect(() => box.open(sealed.slice(0, 20), 'upstream:7')).toThrow(/cut short/);
  expect(() => box.open(`v2${sealed.slice(2)}${last}`, 'upstream:7')).toThrow(/known version/);
});

test('a key of any length but 32 bytes is refused', () => {
  expect(() => new SecretBox(randomBytes(16))).toThrow(RangeError);
});
