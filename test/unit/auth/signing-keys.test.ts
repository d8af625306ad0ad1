import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SecretBox } from '../../../src/auth/secret-box.ts';
import { SigningKeys } from '../../../src/auth/signing-keys.ts';
import { RecordedKeys } from './recorded-keys.ts';

const secretBox = new SecretBox(randomBytes(32));
const start = Date.UTC(2026, 2, 4);

test('one key is made on first need, however many need it, and found again after a restart', async () => {
  const records = new RecordedKeys();
  const keys = new SigningKeys({ records, secretBox, now: () => start });
  const [first, second] = await Promise.all([keys.current(), keys.current()]);
  const restarted = await new SigningKeys({ records, secretBox, now: () => start }).current();
  expect(records.rows).toHaveLength(1);
  expect(second.kid).toBe(first.kid);
  expect(restarted.kid).toBe(first.kid);
  expect(restarted.publicKey.equals(first.publicKey)).toBe(true);
});

test('the recorded key is sealed', async () => {
  const records = new RecordedKeys();
  const { privateKey } = await new SigningKeys({ records, secretBox, now: () => start }).current();
  expect(JSON.stringify(records.rows)).not.toContain(String(privateKey.export({ format: 'jwk' }).d));
  const thief = new SigningKeys({ records, secretBox: new SecretBox(randomBytes(32)), now: () => start });
  await expect(thief.current()).rejects.toThrow(/does not open/);
});

test('processes that start at once agree on a key, and know the one the other made', async () => {
  const records = new RecordedKeys({ together: 2 });
  const [one, other] = [1, 2].map(
    (offset) => new SigningKeys({ records, secretBox, now: () => start + offset }),
  );
  const [ofOne, ofOther] = await Promise.all([one?.current(), other?.current()]);
  const kids = records.rows.map(({ kid }) => kid);
  expect(kids).toHaveLength(2);
  for (const kid of kids) {
    expect((await one?.find(kid))?.kid).toBe(kid);
    expect((await other?.find(kid))?.kid).toBe(kid);
  }
  expect(kids).toContain(ofOne?.kid);
  expect(kids).toContain(ofOther?.kid);
  const third = await new SigningKeys({ records, secretBox, now: () => start + 9 }).current();
  expect(third.kid).toBe(records.rows.find(({ createdAt }) => createdAt === start + 1)?.kid);
});

test('key ids that nobody made do not read the records more than once a second', async () => {
  const records = new RecordedKeys();
  let now = start;
  const keys = new SigningKeys({ records, secretBox, now: () => now });
  await keys.current();
  const before = records.reads;
  for (const kid of ['a', 'b', 'c']) expect(await keys.find(kid)).toBeUndefined();
  expect(records.reads).toBe(before + 1);
  now += 1000;
  expect(await keys.find('a')).toBeUndefined();
  expect(records.reads).toBe(before + 2);
});
