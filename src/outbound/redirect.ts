/** Where another server sends us on to, and what we still say there. */
import type { Answer } from './answer.ts';
import { OutboundError } from './outbound-error.ts';

const maxRedirects = 5;
const redirectStatuses = new Set([301, 302, 303, 307, 308]);

export interface Hop {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether a redirect has led away from the origin that was asked first; leading back there changes nothing. */
  readonly isAway?: boolean;
}

/**
 * The first answer that is no redirect.
 * @param send asks at one hop
 * @throws OutboundError 'invalid' where there are too many or {@link nextHop} refuses one
 */
export async function followRedirects(first: Hop, send: (hop: Hop) => Promise<Answer>): Promise<Answer> {
  let hop = first;
  for (let redirects = 0; ; redirects++) {
    const answer = await send(hop);
    if (!isRedirect(answer.status)) return answer;
    answer.discard();
    if (redirects === maxRedirects)
      throw new OutboundError('invalid', `redirected more than ${maxRedirects} times`);
    hop = nextHop(hop, answer.header('location'));
  }
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
  const { headers, isAway = false } = from;
  if (url.origin === from.url.origin) return { url, headers, isAway };
  return { url, headers: withoutCredentials(headers), isAway: true };
}

function withoutCredentials(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).filter(([name]) => !['authorization', 'cookie'].includes(name.toLowerCase())),
  );
}
