import { expect, test } from 'vitest';
import { ObjectUrls } from '../../../../src/storage/objects/object-urls.ts';

const object = 'v1/ab/abcdef0123456789abcdef01';
const file = `v1/blobs/sha256/ab/ab${'0'.repeat(62)}-${'0'.repeat(24)}`;
const presign = async (key: string, options: object) => `${key} ${JSON.stringify(options)}`;

const urls = new ObjectUrls(
  new Map([
    ['s3', { storage: { presign }, rootDirectory: 'root/a' }],
    ['old', { storage: { presign }, rootDirectory: '' }],
  ]),
  () => 10_000,
);

test('an object has the URL that its bucket signs, for whole seconds', async () => {
  expect(await urls.urlOf(`s3:${object}`, 70_999)).toBe(
    `${object} {"expiresSeconds":60,"contentType":"application/octet-stream"}`,
  );
  expect(await urls.urlOf(`s3:${object}`, 10_001)).toContain('"expiresSeconds":1,');
});

test('an object has its path in its bucket', () => {
  expect([`s3:${object}`, `old:${object}`].map((key) => urls.pathOf(key))).toEqual([
    `root/a/${object}`,
    object,
  ]);
});

test.each([file, `gone:${object}`])('%s is in none of the buckets', async (key) => {
  expect([urls.has(key), urls.has(`s3:${object}`)]).toEqual([false, true]);
  expect([await urls.urlOf(key, 70_000), urls.pathOf(key)]).toEqual([undefined, undefined]);
});

test('what is no key of an object is refused', async () => {
  await expect(urls.urlOf('s3:../secret', 70_000)).rejects.toThrow('is not the key');
  expect(() => urls.pathOf('s3:../secret')).toThrow('is not the key');
});
