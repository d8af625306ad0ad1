import { Readable } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { findNext, readPages } from '../../../src/upstreams/list-pages.ts';
import { answerOf } from '../outbound/answer-kit.ts';

const first = new URL('https://registry.example.com/v2/a/tags/list?n=5');

/** All pages of a list whose pages have these texts, `count` of them at most. */
async function read(textOf: (page: number) => string, count: number, maxBytes = 1000): Promise<unknown[]> {
  let page = 0;
  const pages: unknown[] = [];
  const asked = readPages(first, maxBytes, (url, parse) => {
    expect(url.searchParams.get('last')).toBe(page === 0 ? null : String(page));
    page += 1;
    const headers = page < count ? { link: `</v2/a/tags/list?last=${page}>; rel="next"` } : {};
    return parse(answerOf({ headers, body: Readable.from([Buffer.from(textOf(page))]) }));
  });
  for await (const json of asked) pages.push(json);
  return pages;
}

describe('a list', () => {
  test('has all its pages', async () => {
    expect(await read((page) => `[${page}]`, 3)).toEqual([[1], [2], [3]]);
  });

  test('has 200 pages at most', async () => {
    expect(await read(() => '1', 200)).toHaveLength(200);
    await expect(read(() => '1', 201)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'has a list of more than 200 pages',
    });
  });

  test('has so many bytes at most, all pages together', async () => {
    expect(await read(() => '"xx"', 3, 12)).toHaveLength(3);
    await expect(read(() => '"xx"', 3, 11)).rejects.toMatchObject({
      kind: 'invalid',
      message: 'sent more than the 3 bytes that are accepted here',
    });
  });

  test('ends where whoever asks says so', async () => {
    const pages: unknown[] = [];
    for await (const page of readPages(first, 10, async () => undefined)) pages.push(page);
    expect(pages).toEqual([]);
  });

  test.each([
    ['nonsense', 'sent a list that is not JSON'],
    ['['.repeat(100), 'sent a list that is nested deeper than 64 levels'],
  ])('is no list where it is %s', async (text, message) => {
    await expect(read(() => text, 1)).rejects.toMatchObject({ kind: 'invalid', message });
  });
});

describe('the next page', () => {
  const next = (target: string) => findNext(`<${target}>; rel="next"`, first)?.href;

  test.each([
    ['/v2/a/tags/list?last=x', 'https://registry.example.com/v2/a/tags/list?last=x'],
    ['?last=x', 'https://registry.example.com/v2/a/tags/list?last=x'],
    ['https://registry.example.com/y', 'https://registry.example.com/y'],
    ['http://registry.example.com/y?z', 'https://registry.example.com/y?z'],
    ['https://user:secret@registry.example.com/y#z', 'https://registry.example.com/y'],
  ])('by %s is on the same origin', (target, href) => {
    expect(next(target)).toBe(href);
  });

  test.each([
    'https://evil.example.org/x',
    '//evil.example.org/x',
    'https://registry.example.com:8443/',
    'http://[',
  ])('is not looked for at %s', (target) => {
    expect(() => next(target)).toThrow('has a list that goes on at another host');
  });

  test.each([undefined, '', '</x>; rel="prev"'])('is none for the header %o', (link) => {
    expect(findNext(link, first)).toBeUndefined();
  });
});
