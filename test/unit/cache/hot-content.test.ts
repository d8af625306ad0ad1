import { expect, test } from 'vitest';
import { HotContent, type HotManifest } from '../../../src/cache/hot-content.ts';
import { digestOf } from '../../../src/oci/digest.ts';
import { ociManifest } from '../../../src/oci/media-types.ts';

const bytes = Buffer.from('{"a":"manifest"}');
const digest = digestOf(bytes);

function manifestOf(payload: Buffer): HotManifest {
  return { entryId: 1, digest, mediaType: ociManifest, payload, checkedAt: 0, validityHours: 24 };
}

test('what is kept is found as what it is, and as nothing else', () => {
  const hot = new HotContent(10_000);
  const [manifest, blob] = [manifestOf(bytes), { entryId: 2, storageKey: 'key', size: 1 }];
  hot.keep('a', manifest);
  hot.keep('b', blob);
  hot.keepBytes(digest, bytes);
  expect([hot.findManifest('a'), hot.findBlob('a')]).toEqual([manifest, undefined]);
  expect([hot.findManifest('b'), hot.findBlob('b')]).toEqual([undefined, blob]);
  expect([hot.findBytes(digest), hot.findManifest(digest), hot.findBlob(digest)]).toEqual([
    bytes,
    undefined,
    undefined,
  ]);
  hot.forgetAll();
  expect([hot.findManifest('a'), hot.findBlob('b'), hot.findBytes(digest)]).toEqual([
    undefined,
    undefined,
    undefined,
  ]);
});

test('bytes of another digest are not kept', () => {
  const hot = new HotContent(10_000);
  const sha512 = digestOf(bytes, 'sha512');
  hot.keepBytes(digest, Buffer.from('{"a":"manifesT"}'));
  hot.keepBytes(sha512, Buffer.from('rotten'));
  expect([hot.findBytes(digest), hot.findBytes(sha512)]).toEqual([undefined, undefined]);
  hot.keepBytes(sha512, bytes);
  expect(hot.findBytes(sha512)).toBe(bytes);
});

test('all of it together has no more room than it was given', () => {
  const hot = new HotContent(3900);
  const [first, second] = [Buffer.alloc(1200, 'a'), Buffer.alloc(1200, 'b')];
  hot.keepBytes(digestOf(first), first);
  hot.keep('m', manifestOf(second));
  expect([hot.findBytes(digestOf(first)), hot.findManifest('m')]).toEqual([first, manifestOf(second)]);
  hot.keep('b', { entryId: 1, storageKey: 'key', size: 1 });
  expect(hot.findBytes(digestOf(first))?.length).toBeUndefined();
  hot.keepBytes(digestOf(second), second);
  expect([hot.findManifest('m')?.entryId, hot.findBlob('b')]).toEqual([
    undefined,
    { entryId: 1, storageKey: 'key', size: 1 },
  ]);
});

test('without room nothing is kept', () => {
  const hot = new HotContent(0);
  hot.keepBytes(digest, bytes);
  expect(hot.findBytes(digest)).toBeUndefined();
});
