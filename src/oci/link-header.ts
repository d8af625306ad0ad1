/** `Link`, by which a list says where it goes on: https://www.rfc-editor.org/rfc/rfc8288.html */
import LinkHeader from 'http-link-header';

/** @param links URLs by what they are to the page, in the order they are written; those that are undefined are left out */
export function formatLinks(links: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(links)
    .flatMap(([relation, url]) => (url === undefined ? [] : [`<${url}>; rel="${relation}"`]))
    .join(', ');
}

/** Longer ones, which would take the parser long, nobody needs. */
const maxLength = 4096;

/**
 * The next page's URL, which may be relative; undefined where the header has none. One link alone that does not say what it is to the page is
 * taken for that, as clients do.
 * @throws Error where it is too long or malformed, so that nobody can tell
 */
export function findNextLink(header: string): string | undefined {
  if (header.length > maxLength) throw new Error(`is longer than ${maxLength} characters`);
  const links = LinkHeader.parse(header).refs;
  const [only, ...others] = links;
  const isUnsaid = only !== undefined && only.rel === undefined && others.length === 0;
  return (isUnsaid ? only : links.find(({ rel }) => rel?.toLowerCase() === 'next'))?.uri;
}
