/** Where another server sends us on to, and what we still say there. */
import { OutboundError } from './outbound-error.ts';

const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export interface Hop {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

export function isRedirect(status: number): boolean {
  return redirectStatuses.has(status);
}

/**
 * Credentials go no further than the origin they were meant for, and never come back once dropped.
 * @throws OutboundError where there is no usable location or it would give up encryption.
 */
export function nextHop(from: Hop, location: string | undefined): Hop {
  const url = location === undefined ? null : URL.parse(location, from.url);
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
    throw new OutboundError('invalid', 'redirected without a usable location');
  if (from.url.protocol === 'https:' && url.protocol !== 'https:')
    throw new OutboundError('invalid', `redirected from https to http at ${url.host}, which is refused`);
  url.username = '';
  url.password = '';
  return { url, headers: url.origin === from.url.origin ? from.headers : withoutCredentials(from.headers) };
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !['authorization', 'cookie'].includes(name.toLowerCase())),
  );
}
