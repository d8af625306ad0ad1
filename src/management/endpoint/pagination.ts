/** Lists in pages, by number: GitLab's parameters, headers and links. */
import { z } from 'zod';
import type { Direction, Keyset, KeysetPart, Page, Paged } from '../../metadata/db/page.ts';
import { maxCounted } from '../../metadata/db/pages.ts';
import { formatLinks } from '../../oci/link-header.ts';
import { integer } from './parameters.ts';

const defaultPerPage = 20;
const maxPerPage = 100;

/** Where all links together are longer, there is only the next page's. Many clients read 16 KiB of headers in all. */
const maxLinkLength = 8192;

/** What is out of bounds is moved to the bound. */
export const pageParams = z.object({
  page: integer
    .transform((page) => Math.max(1, page))
    .default(1)
    .meta({ description: 'From 1, which is the default' }),
  per_page: integer
    .transform((size) => (size < 1 ? defaultPerPage : Math.min(size, maxPerPage)))
    .default(defaultPerPage)
    .meta({ description: `${defaultPerPage} by default, at most ${maxPerPage}` }),
});

/** Parameters of lists that may go on after a number, as GitLab has it: by `cursor`, which is as the link to the next page says. */
export const keysetParams = pageParams.extend({
  pagination: z.enum(['legacy', 'offset', 'keyset']).default('legacy'),
  cursor: z
    .string()
    .max(64)
    .transform((written, ctx) => {
      const number = /^\d{1,15}$/.exec(Buffer.from(written, 'base64url').toString())?.[0];
      if (number !== undefined) return Number(number);
      ctx.addIssue({ code: 'custom', message: 'is invalid' });
      return z.NEVER;
    })
    .optional(),
});

/** What the link to the next page says besides where that begins. */
export function keysetLink(perPage: number, direction: Direction): Record<string, string> {
  return { pagination: 'keyset', per_page: String(perPage), order_by: 'id', sort: direction };
}

/** The answer of a list that goes on after its last number. @param bodyOf makes what is answered of a record */
export function keysetBody<R extends { readonly id: number }, T>(
  part: KeysetPart<R>,
  keyset: Keyset,
  bodyOf: (record: R) => T,
): ListPart<T> {
  const { records, hasMore } = part;
  const { direction, limit } = keyset;
  const last = hasMore ? records.at(-1) : undefined;
  const cursor = last && Buffer.from(String(last.id)).toString('base64url');
  return continuedBody(records.map(bodyOf), cursor ? { ...keysetLink(limit, direction), cursor } : undefined);
}

/** Headers that lead from one page of a list to the others. @param url the address that was asked for, as clients see it */
type PageHeaders = (url: URL) => Record<string, string>;

/** A part of a list as a handler's answer. */
export class ListPart<T = unknown> {
  readonly items: readonly T[];
  readonly headers: PageHeaders;

  constructor(items: readonly T[], headers: PageHeaders) {
    this.items = items;
    this.headers = headers;
  }

  /** @param write what makes a body of all items */
  written(write: ((items: readonly T[]) => unknown) | undefined): ListPart {
    const items = write?.(this.items);
    return new ListPart(Array.isArray(items) ? items : [], this.headers);
  }
}

/** A page by its number, as a handler's answer. @param bodyOf makes what is answered of a record; by default it is the record */
export function pageBody<T>(found: Paged<T>, page: Page): ListPart<T>;
export function pageBody<R, T>(found: Paged<R>, page: Page, bodyOf: (record: R) => T): ListPart<T>;
export function pageBody<R>(found: Paged<R>, page: Page, bodyOf?: (record: R) => unknown) {
  const { records } = found;
  return new ListPart(bodyOf ? records.map(bodyOf) : records, (url) => pageHeaders(url, page, found));
}

/** As GitLab has it: where there are too many to count, neither their number nor the last page is said. */
function pageHeaders(
  url: URL,
  { page, perPage }: Page,
  { total, hasMore }: Paged<unknown>,
): Record<string, string> {
  const last = Math.max(1, Math.ceil(total / perPage));
  const isCounted = total <= maxCounted;
  const linkToPage = (number: number) => linkTo(url, { page: String(number), per_page: String(perPage) });
  const next = hasMore ? linkToPage(page + 1) : undefined;
  const prev = page > 1 ? linkToPage(page - 1) : undefined;
  const all = formatLinks({
    prev,
    next,
    first: linkToPage(1),
    last: isCounted ? linkToPage(last) : undefined,
  });
  return {
    Link: all.length > maxLinkLength ? formatLinks({ next }) : all,
    'X-Page': String(page),
    'X-Per-Page': String(perPage),
    'X-Next-Page': hasMore ? String(page + 1) : '',
    'X-Prev-Page': page > 1 ? String(page - 1) : '',
    ...(isCounted && { 'X-Total': String(total), 'X-Total-Pages': String(last) }),
  };
}

/** A part of a list that goes on after its last item, however many there are. @param next the parameters that ask for what comes after; undefined: that was all */
export function continuedBody<T>(
  items: readonly T[],
  next: Readonly<Record<string, string>> | undefined,
): ListPart<T> {
  return new ListPart(items, (url) => (next ? { Link: formatLinks({ next: linkTo(url, next) }) } : {}));
}

/** Tokens in the query are left out: links are kept and shown. */
function linkTo(url: URL, params: Readonly<Record<string, string>>): string {
  const link = new URL(url);
  for (const secret of ['private_token', 'access_token', 'job_token']) link.searchParams.delete(secret);
  for (const [name, value] of Object.entries(params)) link.searchParams.set(name, value);
  return link.href;
}
