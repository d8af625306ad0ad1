/** One page of a list of tags that is known as a whole. */
import type { Tag } from '../oci/reference.ts';
import type { PageRequest } from '../oci/repository.ts';

/** @param tags in byte order, without duplicates */
export function tagPage(
  tags: readonly Tag[],
  { after, limit }: PageRequest,
): { readonly tags: readonly Tag[]; readonly hasMore: boolean } {
  const start = countUpTo(tags, after);
  const page = tags.slice(start, start + limit);
  return { tags: page, hasMore: start + page.length < tags.length };
}

/** As {@link tagPage}, of several lists together: of each no more is looked at than a page. */
export function mergedPage(
  lists: readonly { readonly tags: readonly Tag[] }[],
  { after, limit }: PageRequest,
): { readonly tags: readonly Tag[]; readonly hasMore: boolean } {
  const pages = lists.map(({ tags }) => tagPage(tags, { after, limit: limit + 1 }).tags);
  return tagPage([...new Set(pages.flat())].sort(), { after, limit });
}

/** How many of them come no later than the text. */
function countUpTo(tags: readonly Tag[], text: string): number {
  let low = 0;
  let high = tags.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const tag = tags[middle];
    if (tag !== undefined && tag <= text) low = middle + 1;
    else high = middle;
  }
  return low;
}
