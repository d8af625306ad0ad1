/** Lists in pages, by number: GitLab's parameters, headers and links. */
import { z } from 'zod';
import type { Direction, Keyset, KeysetPart, Page } from '../../metadata/db/page.ts';
import { integer } from './parameters.ts';

const defaultPerPage = 20;
const maxPerPage = 100;
/** Beyond it, how many there are is not said. */
const maxTotal = 10_000;

/** Of all links together; beyond it there is only the next page's. Many clients read 16 KiB of headers in all. */
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

/** Of lists that go on after a number, too, as GitLab has it: by `cursor`, which is as the link to the next page says. */
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

/** The answer, of a list that goes on after its last number. @param records as far as the page goes */
export function keysetBodyOf<R extends { readonly id: number }, T>(
  { records, hasMore }: KeysetPart<R>,
  { direction, limit }: Keyset,
  bodyOf: (record: R) => T,
): KeysetBody<T> {
  const last = hasMore ? records.at(-1) : undefined;
  const cursor = last && Buffer.from(String(last.id)).toString('base64url');
  return new KeysetBody(
    records.map(bodyOf),
    cursor ? { ...keysetLink(limit, direction), cursor } : undefined,
  );
}

export type PageParams = z.output<typeof pageParams>;

/** The page as the records know it. */
export function pageOf({ page, per_page }: PageParams): Page {
  return { page, perPage: per_page };
}

/** A part of a list as a handler's answer. */
export class PagedBody<T = unknown> {
  readonly items: readonly T[];
  readonly #total: number;
  readonly #params: PageParams;

  /** @param total how many there are on all pages */
  constructor(items: readonly T[], total: number, params: PageParams) {
    this.items = items;
    this.#total = total;
    this.#params = params;
  }

  /** @param url the address that was asked for, as clients see it */
  headers(url: URL): Record<string, string> {
    const { page, per_page } = this.#params;
    const last = Math.max(1, Math.ceil(this.#total / per_page));
    const links: [string, number][] = [];
    if (page > 1) links.push(['prev', page - 1]);
    if (page < last) links.push(['next', page + 1]);
    links.push(['first', 1]);
    const isCounted = this.#total <= maxTotal;
    if (isCounted) links.push(['last', last]);
    const written = links.map(([rel, number]) => `<${pageUrl(url, number, per_page)}>; rel="${rel}"`);
    const isLong = written.join(', ').length > maxLinkLength;
    return {
      Link: (isLong ? written.filter((link) => link.endsWith('rel="next"')) : written).join(', '),
      'X-Page': String(page),
      'X-Per-Page': String(per_page),
      'X-Next-Page': page < last ? String(page + 1) : '',
      'X-Prev-Page': page > 1 ? String(page - 1) : '',
      ...(isCounted && { 'X-Total': String(this.#total), 'X-Total-Pages': String(last) }),
    };
  }
}

/** As {@link PagedBody}, of a list that goes on after its last item, however many there are. */
export class KeysetBody<T = unknown> {
  readonly items: readonly T[];
  readonly #next: Readonly<Record<string, string>> | undefined;

  /** @param next the parameters that ask for what comes after; undefined: that was all */
  constructor(items: readonly T[], next: Readonly<Record<string, string>> | undefined) {
    this.items = items;
    this.#next = next;
  }

  /** @param url the address that was asked for, as clients see it */
  headers(url: URL): Record<string, string> {
    return this.#next ? { Link: `<${linkTo(url, this.#next)}>; rel="next"` } : {};
  }
}

function pageUrl(url: URL, page: number, perPage: number): string {
  return linkTo(url, { page: String(page), per_page: String(perPage) });
}

/** Tokens in the query are left out: links are kept and shown. */
function linkTo(url: URL, params: Readonly<Record<string, string>>): string {
  const link = new URL(url);
  for (const secret of ['private_token', 'access_token', 'job_token']) link.searchParams.delete(secret);
  for (const [name, value] of Object.entries(params)) link.searchParams.set(name, value);
  return link.href;
}
