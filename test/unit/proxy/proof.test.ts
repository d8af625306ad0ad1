import { expect, test } from 'vitest';
import { digestOf } from '../../../src/oci/digest.ts';
import { findProof } from '../../../src/proxy/proof.ts';
import { FakeUpstream } from '../../support/fake-upstream.ts';
import { atUpstream, nth } from './proxy-kit.ts';

const bytes = Buffer.from('the bytes of a layer');
const digest = digestOf(bytes);

function setUp(...urls: readonly string[]) {
  const sources = urls.map((url, index) => ({
    groupId: 1,
    repository: atUpstream,
    upstream: new FakeUpstream({ id: index + 1, url }),
  }));
  const prove = (origins: readonly string[], signal?: AbortSignal) =>
    findProof(sources, new Set(origins), digest, signal);
  return { sources, upstreams: sources.map(({ upstream }) => upstream), prove };
}

test('the right to a blob is proven by the first upstream of its origins that has it', async () => {
  const { sources, upstreams, prove } = setUp('https://a.test', 'https://a.test/team', 'https://a.test');
  nth(upstreams, 1).addBlob(bytes);
  expect(await prove(['https://a.test'])).toBe(sources[1]);
  expect(upstreams.map(({ asked }) => asked.length)).toEqual([1, 1, 0]);
});

test('an upstream of another origin proves nothing, whatever it has', async () => {
  const { upstreams, prove } = setUp('https://b.test');
  nth(upstreams, 0).addBlob(bytes);
  expect(await prove(['https://a.test'])).toBeUndefined();
  expect(nth(upstreams, 0).asked).toEqual([]);
});

test('who leaves is proven nothing', async () => {
  const { upstreams, prove } = setUp('https://a.test');
  nth(upstreams, 0).addBlob(bytes);
  await expect(prove(['https://a.test'], AbortSignal.abort(new Error('has left')))).rejects.toThrow(
    'has left',
  );
});
