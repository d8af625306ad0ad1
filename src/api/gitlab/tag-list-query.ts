/** Which of a repository's tags are asked for, and in which order. */
import { isTag, type Tag } from '../../oci/reference.ts';
import { badValue, demandOneAtMost, parseLimit, parseOneOf, parseTruth } from './query.ts';
import type { TagListRequest, TagMarker, TagOrder } from './services.ts';

const orders = {
  name: { by: 'name', direction: 'ascending' },
  '-name': { by: 'name', direction: 'descending' },
  published_at: { by: 'published', direction: 'ascending' },
  '-published_at': { by: 'published', direction: 'descending' },
} as const satisfies Record<string, TagOrder>;

const sorts = ['name', '-name', 'published_at', '-published_at'] as const;
const partPattern = /^[a-zA-Z0-9._-]{1,128}$/;
const mediaTypePattern = /^[\w.+!#$&^-]{1,127}\/[\w.+!#$&^-]{1,127}$/;
const maxReferrerTypes = 100;

export interface TagListQuery extends TagListRequest {
  readonly limit: number;
  readonly order: TagOrder;
}

/** @throws OciError INVALID_QUERY_PARAMETER_TYPE, INVALID_QUERY_PARAMETER_VALUE */
export function parseTagListQuery(query: URLSearchParams): TagListQuery {
  demandOneAtMost(query, 'last', 'before');
  demandOneAtMost(query, 'name', 'name_exact');
  const limit = parseLimit(query);
  const order = orders[parseOneOf(query, 'sort', sorts) ?? 'name'];
  const marker = parseMarker(query, order);
  const containing = parsePart(query);
  const exact = parseExact(query);
  const referrerTypes = parseReferrerTypes(query);
  return { limit, order, referrerTypes, tags: exact ?? { order, marker, containing, limit } };
}

function parsePart(query: URLSearchParams): string | undefined {
  const part = query.get('name') ?? undefined;
  if (part !== undefined && !partPattern.test(part))
    throw badValue('name', 'must be a part of a tag: 1 to 128 letters, digits, and . _ -');
  return part;
}

function parseExact(query: URLSearchParams): Tag | undefined {
  const name = query.get('name_exact') ?? undefined;
  if (name === undefined || isTag(name)) return name;
  throw badValue('name_exact', 'must be a tag');
}

function parseMarker(query: URLSearchParams, { by }: TagOrder): TagMarker | undefined {
  const parameter = query.has('before') ? 'before' : 'last';
  const text = query.get(parameter);
  if (text === null) return undefined;
  const place = by === 'name' ? { name: text, publishedAt: 0 } : decodeMarker(text);
  if (!isTag(place.name) || Number.isNaN(place.publishedAt)) {
    throw badValue(parameter, by === 'name' ? 'must be a tag' : 'must come from the Link of another page');
  }
  return { side: parameter === 'before' ? 'before' : 'after', ...place };
}

/** GitLab writes microseconds; instants here have none, so that what is finer is left out. */
function decodeMarker(text: string): { readonly name: string; readonly publishedAt: number } {
  const decoded = Buffer.from(text, 'base64').toString();
  const [instant = '', name = ''] = decoded.split('|', 2);
  const isInstant = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z$/.test(instant);
  return { name, publishedAt: isInstant ? Date.parse(instant) : Number.NaN };
}

/** The text by which `before` and `last` name a tag in this order. */
export function markerOf(
  tag: { readonly name: Tag; readonly publishedAt: number },
  { by }: TagOrder,
): string {
  if (by === 'name') return tag.name;
  const instant = new Date(tag.publishedAt).toISOString().replace(/Z$/, '000Z');
  return Buffer.from(`${instant}|${tag.name}`).toString('base64');
}

/** Types of referrers. Undefined: no referrers are asked for; empty: those of all types are. */
function parseReferrerTypes(query: URLSearchParams): readonly string[] | undefined {
  const types = (query.get('referrer_type') ?? '').split(',').filter((type) => type !== '');
  if (types.length > maxReferrerTypes)
    throw badValue('referrer_type', `must be at most ${maxReferrerTypes} types`);
  if (!types.every((type) => mediaTypePattern.test(type)))
    throw badValue('referrer_type', 'must be media types, separated by commas');
  return parseTruth(query, 'referrers') ? types : undefined;
}
