/** Parameters of queries, each parsed once; where one is given twice the first counts. */
import { OciError } from '../../oci/errors.ts';
import type { RequestContext } from '../state.ts';

const maxEntries = 1000;
const defaultEntries = 100;
/** The longest query: links to other pages repeat all of it, twice. */
export const maxQueryLength = 4096;

/** @throws OciError INVALID_QUERY_PARAMETER_VALUE */
export function queryOf(ctx: RequestContext): URLSearchParams {
  if (ctx.querystring.length > maxQueryLength)
    throw badValue('the query', `has more than ${maxQueryLength} characters`);
  return new URLSearchParams(ctx.querystring);
}

/** How many entries a page has. @throws OciError INVALID_QUERY_PARAMETER_TYPE, INVALID_QUERY_PARAMETER_VALUE */
export function parseLimit(query: URLSearchParams): number {
  const text = query.get('n');
  if (text === null) return defaultEntries;
  if (!/^[+-]?\d{1,9}$/.test(text)) throw badType('n', text, 'a number');
  const limit = Number(text);
  if (limit < 1 || limit > maxEntries) throw badValue('n', `must be from 1 to ${maxEntries}`);
  return limit;
}

/** A boolean; false where it is not given. @throws OciError INVALID_QUERY_PARAMETER_TYPE */
export function parseTruth(query: URLSearchParams, name: string): boolean {
  const text = query.get(name);
  if (text === null) return false;
  if (text !== 'true' && text !== 'false') throw badType(name, text, 'true or false');
  return text === 'true';
}

/** @throws OciError INVALID_QUERY_PARAMETER_VALUE */
export function parseOneOf<T extends string>(
  query: URLSearchParams,
  name: string,
  values: readonly T[],
): T | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = values.find((each) => each === text);
  if (value === undefined) throw badValue(name, `must be one of ${values.join(', ')}`);
  return value;
}

/** @throws OciError INVALID_QUERY_PARAMETER_VALUE where both are given */
export function demandOneAtMost(query: URLSearchParams, one: string, other: string): void {
  if (query.has(one) && query.has(other)) throw badValue(one, `cannot go with ${other}`);
}

export function badValue(name: string, fault: string): OciError {
  return new OciError('INVALID_QUERY_PARAMETER_VALUE', { detail: `${name} ${fault}` });
}

function badType(name: string, text: string, kind: string): OciError {
  return new OciError('INVALID_QUERY_PARAMETER_TYPE', {
    detail: `${name} must be ${kind}, not '${text.slice(0, 40)}'`,
  });
}
