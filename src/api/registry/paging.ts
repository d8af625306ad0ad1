/** Lists in pages. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
import { OciError } from '../../oci/errors.ts';
import type { RequestContext } from '../state.ts';

export const maxPageEntries = 1000;

/** How many entries `n` allows: the most a page can have where it is absent or more. @throws OciError PAGINATION_NUMBER_INVALID */
export function pageSizeOf(parameters: URLSearchParams): number {
  const n = parameters.get('n');
  if (n === null) return maxPageEntries;
  if (/^[0-9]+$/.test(n)) return Math.min(Number(n), maxPageEntries);
  throw new OciError('PAGINATION_NUMBER_INVALID', {
    detail: `n must be a number of entries, not '${n.slice(0, 40)}'`,
  });
}

/** The next page is at the path that the client asked, below whatever prefix a proxy put us. */
export function linkNext(ctx: RequestContext, parameters: Readonly<Record<string, string>>): void {
  const prefix = new URL(ctx.state.externalUrl).pathname.replace(/\/$/, '');
  ctx.set('Link', `<${prefix}${ctx.path}?${new URLSearchParams(parameters)}>; rel="next"`);
}
