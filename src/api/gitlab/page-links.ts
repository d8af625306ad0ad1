/** `Link` leads to the pages before and after, with all that was asked for; it is absolute, as GitLab's clients expect it. */
import { formatLinks } from '../../oci/link-header.ts';
import type { RequestContext } from '../state.ts';

export interface PageEnds {
  /** The first entry of this page and the last, as `before` and `last` name them; undefined where there is no page before or after. */
  readonly previous: string | undefined;
  readonly next: string | undefined;
}

/** @param limit how many entries a page has */
export function linkPages(ctx: RequestContext, limit: number, { previous, next }: PageEnds): void {
  const links = formatLinks({
    previous: previous && linkTo(ctx, limit, 'before', previous),
    next: next && linkTo(ctx, limit, 'last', next),
  });
  if (links !== '') ctx.set('Link', links);
}

function linkTo(ctx: RequestContext, limit: number, side: 'before' | 'last', marker: string): string {
  const query = new URLSearchParams(ctx.querystring);
  query.delete('before');
  query.delete('last');
  query.set('n', String(limit));
  query.set(side, marker);
  return `${ctx.state.externalUrl}${ctx.path}?${query}`;
}
