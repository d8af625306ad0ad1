/** Lists that come in pages, linked by `Link: <…>; rel="next"`. */
import { findNextLink } from '../oci/link-header.ts';
import type { Answer } from '../outbound/answer.ts';
import { readJsonAnswer } from '../outbound/json-answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';

const maxPages = 200;

export interface Page {
  readonly json: unknown;
  readonly next: URL | undefined;
}

/**
 * Gives each page's JSON, until there is none after it, or one that was there before.
 * @param maxBytes of all pages together
 * @param ask asks for a page and has its answer parsed.
 * @throws OutboundError 'invalid' where there is no end to the list, or it cannot be told where it goes on.
 */
export async function* readPages(
  first: URL,
  maxBytes: number,
  ask: (url: URL, parse: (answer: Answer) => Promise<Page>) => Promise<Page>,
): AsyncGenerator<unknown, void> {
  const seen = new Set<string>();
  let url: URL | undefined = first;
  let left = maxBytes;
  while (url !== undefined && !seen.has(url.href)) {
    if (seen.size === maxPages)
      throw new OutboundError('invalid', `has a list of more than ${maxPages} pages`);
    const current: URL = url;
    seen.add(current.href);
    const page = await ask(current, async (answer) => {
      const { json, bytes } = await readJsonAnswer(answer, left, 'a list');
      left -= bytes;
      return { json, next: findNext(answer.header('link'), current) };
    });
    yield page.json;
    url = page.next;
  }
}

/**
 * The next page's address: the page's own, with the query that the link has. The rest of it does not count, as registries behind a proxy often say
 * another scheme, host, port or path than they are reached at.
 * @throws OutboundError 'invalid' where there is a link that cannot be read.
 */
export function findNext(link: string | undefined, page: URL): URL | undefined {
  try {
    const target = findNextLink(link ?? '');
    if (target === undefined) return undefined;
    const next = new URL(page);
    next.search = new URL(target, page).search;
    if (next.search === '') throw new Error('the link has no query');
    return next;
  } catch (cause) {
    throw new OutboundError('invalid', 'has a list that does not say where it goes on', { cause });
  }
}
