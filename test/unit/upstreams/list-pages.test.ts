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

  test('ends where it leads back to a page that was there, which says nothing new', async () => {
    const asked: string[] = [];
    const pages: unknown[] = [];
    const next = ['?last=1', '?last=2', '?last=1'];
    for await (const json of readPages(first, 10, async ({ search }) => {
      asked.push(search);
      return { json: asked.length, next: new URL(next[asked.length - 1] ?? '', first) };
    }))
      pages.push(json);
    expect([asked, pages]).toEqual([
      ['?n=5', '?last=1', '?last=2'],
      [1, 2, 3],
    ]);
  });

  test('goes on after a page that has nothing', async () => {
    expect(await read((page) => (page === 2 ? '[]' : `[${page}]`), 3)).toEqual([[1], [], [3]]);
  });

  test.each([
    ['nonsense', 'sent a list that is not JSON'],
    ['['.repeat(100), 'sent a list that is nested deeper than 64 levels'],
  ])('is no list where it is %s', async (text, message) => {
    await expect(read(() => text, 1)).rejects.toMatchObject({ kind: 'invalid', message });
  });
});

describe('the next page', () => {
  const here = 'https://registry.example.com/v2/a/tags/list';

  test.each([
    `<${here}?last=x>; rel="next"`,
    '</v2/a/tags/list?last=x>; rel="next"',
    '<?last=x>; rel="next"',
    '<list?last=x>; rel="next"',
    // What is not the same as ours is what a registry behind a proxy thinks it is called.
    '<http://registry.example.com/v2/a/tags/list?last=x>; rel="next"',
    '<https://registry.internal:5000/v2/a/tags/list?last=x>; rel="next"',
    '<//registry.internal/a/tags/list?last=x>; rel="next"',
    '<https://user:secret@evil.example.org/x?last=x#z>; rel="next"',
    '<?last=x>;rel=next',
    '<?last=x>; REL="NEXT"',
    '<?last=x>; rel="last next"',
    '<?last=x>; rel = "next"; title="a, b; rel=\\"prev\\""',
    '<?last=x>; title="a, b; c"; rel="next"',
    '</a>; rel="prev", <?last=x>; rel="next"',
    '</a,b;c>; rel=prev; title="x>", <?last=x>; rel=next',
    '<?last=x>; rel="next", <?last=y>; rel="next"',
    '<?last=x>',
  ])('by %s is on the same address with that query', (link) => {
    expect(findNext(link, first)?.href).toBe(`${here}?last=x`);
  });

  test.each([
    undefined,
    '',
    '</x?last=x>; rel="prev"',
    '</x?last=x>; rel="nextish"',
    '</x?last=x>; title="rel=next"; rel="up"',
    '</x?last=x>, </y>',
  ])('is none for the header %o', (link) => {
    expect(findNext(link, first)).toBeUndefined();
  });

  test.each([
    '</v2/a/tags/page2>; rel="next"',
    '<http://[?last=x>; rel="next"',
    '?last=x; rel="next"',
    '<?last=x; rel="next"',
    `<?last=x>; title="${'x'.repeat(4100)}"; rel="next"`,
  ])('cannot be told from %s, so that the list is no use', (link) => {
    expect(() => findNext(link, first)).toThrow(
      expect.objectContaining({
        kind: 'invalid',
        message: 'has a list that does not say where it goes on',
        cause: expect.any(Error),
      }),
    );
  });
});
