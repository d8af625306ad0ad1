/** Lists in pages. https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#listing-tags */
import { OciError } from '../../oci/errors.ts';
import { formatLinks } from '../../oci/link-header.ts';
import type { PageRequest } from '../../oci/repository.ts';
import type { RequestContext } from '../state.ts';
import { parametersOf } from './parameters.ts';

export const maxPageEntries = 1000;

/** A page is as long as it can be unless `n` asks for less. @throws OciError PAGINATION_NUMBER_INVALID, INVALID_QUERY_PARAMETER_VALUE */
export function pageRequestOf(ctx: RequestContext): PageRequest {
  const parameters = parametersOf(ctx);
  const n = parameters.get('n') || String(maxPageEntries);
  if (!/^[0-9]+$/.test(n)) {
    throw new OciError('PAGINATION_NUMBER_INVALID', {
      detail: `n must be a number of entries, not '${n.slice(0, 40)}'`,
    });
  }
  // No entry has a NUL, so that the part before it will do, and PostgreSQL takes no text that has one.
  const [after = ''] = (parameters.get('last') ?? '').split('\0', 1);
  return { after, limit: Math.min(Number(n), maxPageEntries) };
}

/** @param last the last entry of this page; after an empty page there is no next one */
export function linkNextPage(ctx: RequestContext, { limit }: PageRequest, last: string | undefined): void {
  if (last !== undefined) linkNext(ctx, { n: String(limit), last });
}

/** The next page is at the path that the client asked, below whatever prefix a proxy put us. */
export function linkNext(ctx: RequestContext, parameters: Readonly<Record<string, string>>): void {
  const prefix = new URL(ctx.state.externalUrl).pathname.replace(/\/$/, '');
  ctx.set('Link', formatLinks({ next: `${prefix}${ctx.path}?${new URLSearchParams(parameters)}` }));
}
