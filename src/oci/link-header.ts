/** `Link`, by which a list says where it goes on: https://www.rfc-editor.org/rfc/rfc8288.html */

/** @param links URLs by what they are to the page, in the order they are written; those that are undefined are left out */
export function formatLinks(links: Readonly<Record<string, string | undefined>>): string {
  return Object.entries(links)
    .flatMap(([relation, url]) => (url === undefined ? [] : [`<${url}>; rel="${relation}"`]))
    .join(', ');
}

/** The next page's URL, which may be relative; undefined where the header, whoever wrote it, has none. */
export function findNextLink(header: string): string | undefined {
  return /<([^<>]*)>\s*(?:;[^,<]*)?;\s*rel\s*=\s*"?next\b/i.exec(header)?.[1];
}
