import { expect, test } from 'vitest';
import {
  objectKeyOf,
  parseStorageKey,
  quarantineKeyOf,
  storageKeyOf,
} from '../../../../src/storage/objects/object-keys.ts';
import { ObjectStorageError } from '../../../../src/storage/objects/object-storage.ts';

const id = 'abcdef0123456789abcdef01';
const key = `v1/ab/${id}`;

test('an object is below the beginning of its id, a piece beside it, what is damaged by itself', () => {
  expect([objectKeyOf(id), objectKeyOf(id, 0), objectKeyOf(id, 17)]).toEqual([key, `${key}-0`, `${key}-17`]);
  expect(quarantineKeyOf(`${key}-17`)).toBe(`v1/quarantine/${id}-17`);
});

test.each([key, `${key}-0`, `${key}-999999999`])('%s is a key in its store alone', (each) => {
  expect(parseStorageKey('s3', storageKeyOf('s3', each))).toBe(each);
  for (const text of [
    each,
    `s3${each}`,
    `s3:${each} `,
    `s3:/${each}`,
    storageKeyOf('s4', each),
    storageKeyOf('gcs', each),
  ])
    expect(() => parseStorageKey('s3', text)).toThrow(`'${text}' is not the key of a blob in s3`);
});

test.each([
  `v1/ac/${id}`,
  `v1/AB/${id.toUpperCase()}`,
  `${key}0`,
  key.slice(0, -1),
  `${key}-`,
  `${key}-1234567890`,
  `${key}-1-2`,
  `x${key}`,
  `v2/ab/${id}`,
  'v1/store',
  `v1/quarantine/${id}`,
])('%s is none', (text) => {
  expect(() => parseStorageKey('s3', `s3:${text}`)).toThrow('is not the key');
});

test.each([
  ['denied', 'the server may not use its object storage', ', which needs s3:PutObject, failed'],
  ['absent', 'the bucket of the object storage is not there', 'PutObject failed'],
  ['busy', 'the object storage asks to come again later', 'PutObject failed'],
  ['full', 'the object storage is full', 'PutObject failed'],
  ['clock', 'the clock of the server is not that of its object storage', 'PutObject failed'],
  ['unreachable', 'the object storage cannot be reached', 'PutObject failed'],
  ['failing', 'the object storage fails', 'PutObject failed'],
] as const)(
  'that it is %s is told to clients in a sentence, and to operators with the call',
  (fault, sentence, failed) => {
    const call = { call: 'PutObject', permission: 's3:PutObject', place: 's3://images/' };
    const { message, reason } = new ObjectStorageError(fault, call, new Error('No Such'));
    expect(message).toBe(sentence);
    expect(reason).toContain(failed);
    expect(reason).toMatch(new RegExp(`^PutObject.* at s3://images/: ${sentence} \\(No Such\\)$`));
    expect(new ObjectStorageError(fault, call, 'text').reason).toContain('(text)');
  },
);
