/** `Link` to the pages before and after, with all that was asked for; absolute, as GitLab's clients expect it. */
import { formatLinks } from '../../oci/link-header.ts';
import type { RequestContext } from '../state.ts';

export interface PageEnds {
  /** The first and last entry of this page, as `before` and `last` name them; undefined where there is no such page. */
  readonly previous: string | undefined;
  readonly next: string | undefined;
}

/** @param limit entries of a page */
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
