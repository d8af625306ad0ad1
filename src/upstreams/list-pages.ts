/** Lists that come in pages, linked by `Link: <…>; rel="next"`. */
import { findNextLink } from '../oci/link-header.ts';
import type { Answer } from '../outbound/answer.ts';
import { readJsonAnswer } from '../outbound/json-answer.ts';
import { OutboundError } from '../outbound/outbound-error.ts';

const maxPages = 200;

interface Page {
  readonly json: unknown;
  readonly next: URL | undefined;
}

/**
 * Gives each page's JSON.
 * @param maxBytes of all pages together
 * @param ask asks for a page and has its answer parsed, or ends the list with undefined.
 * @throws OutboundError 'invalid' where there is no end to the list, or it leads elsewhere.
 */
export async function* readPages(
  first: URL,
  maxBytes: number,
  ask: (url: URL, parse: (answer: Answer) => Promise<Page>) => Promise<Page | undefined>,
): AsyncGenerator<unknown, void> {
  let url: URL | undefined = first;
  let left = maxBytes;
  for (let pages = 0; url !== undefined; pages++) {
    if (pages === maxPages) throw new OutboundError('invalid', `has a list of more than ${maxPages} pages`);
    const current: URL = url;
    const page = await ask(current, async (answer) => {
      const { json, bytes } = await readJsonAnswer(answer, left, 'a list');
      left -= bytes;
      return { json, next: findNext(answer.header('link'), current) };
    });
    if (page === undefined) return;
    yield page.json;
    url = page.next;
  }
}

/**
 * The next page's address on the page's own origin. A scheme of its own does not count: registries behind a TLS proxy often say http.
 * @throws OutboundError 'invalid' where it is on another host.
 */
export function findNext(link: string | undefined, page: URL): URL | undefined {
  const target = findNextLink(link ?? '');
  if (target === undefined) return undefined;
  const url = URL.parse(target, page);
  if (url === null || url.host !== page.host)
    throw new OutboundError('invalid', 'has a list that goes on at another host');
  return new URL(url.pathname + url.search, page.origin);
}
