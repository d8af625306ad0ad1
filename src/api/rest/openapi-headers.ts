/** The headers of answers on /api/v4, described. */
import type { Endpoint } from '../../management/endpoint/endpoint.ts';

const count = { type: 'integer', minimum: 0 };
const text = { type: 'string' };

const components = {
  'X-Request-Id': {
    description: 'Names this request in the log; the client’s own where it sent one',
    schema: text,
  },
  ETag: { description: 'Names this state of the body, for `If-None-Match`', schema: text },
  Deprecation: {
    description:
      'The endpoint, or something that was given, is outdated since then (RFC 9745); the description of the parameters says what',
    schema: text,
  },
  Link: { description: 'Other pages (RFC 8288): `prev`, `next`, `first`, `last`', schema: text },
  'X-Page': { description: 'This page, from 1', schema: count },
  'X-Per-Page': { description: 'Elements on a page, at most', schema: count },
  'X-Next-Page': { description: 'Empty on the last page', schema: text },
  'X-Prev-Page': { description: 'Empty on the first page', schema: text },
  'X-Total': { description: 'Elements on all pages; not said beyond 10,000', schema: count },
  'X-Total-Pages': { description: 'Not said beyond 10,000 elements', schema: count },
  RateLimit: {
    description: 'What is left of the limit that is nearest, and for how many seconds',
    schema: text,
  },
  'RateLimit-Policy': { description: 'That limit: `q` requests in `w` seconds', schema: text },
  'RateLimit-Limit': { description: 'Requests in a window', schema: count },
  'RateLimit-Observed': { description: 'Requests in this window so far', schema: count },
  'RateLimit-Remaining': { description: 'Requests left in this window', schema: count },
  'RateLimit-Reset': { description: 'When the window ends, in seconds since 1970', schema: count },
  'Retry-After': { description: 'Seconds to wait', schema: count },
} as const;

type HeaderName = keyof typeof components;

const ofAll: readonly HeaderName[] = [
  'X-Request-Id',
  'RateLimit',
  'RateLimit-Policy',
  'RateLimit-Limit',
  'RateLimit-Observed',
  'RateLimit-Remaining',
  'RateLimit-Reset',
];
const ofPages: readonly HeaderName[] = [
  'Link',
  'X-Page',
  'X-Per-Page',
  'X-Next-Page',
  'X-Prev-Page',
  'X-Total',
  'X-Total-Pages',
];

function refsTo(names: readonly HeaderName[]): object {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

export const responseHeaders = {
  components,
  ofError: (status: number) => refsTo(status === 429 ? [...ofAll, 'Retry-After'] : ofAll),
  ofSuccess: ({ params, isSingle, isOutdated, deprecated }: Endpoint) =>
    refsTo([
      ...ofAll,
      ...('per_page' in params.shape ? ofPages : []),
      ...(isSingle ? (['ETag'] as const) : []),
      ...(isOutdated || deprecated.length > 0 ? (['Deprecation'] as const) : []),
    ]),
  ofUnchanged: () => refsTo([...ofAll, 'ETag']),
};
