/**
 * Rate limits as registries announce them: Docker Hub's `RateLimit-Limit: 100;w=21600`, the IETF drafts' `RateLimit: limit=100, remaining=9`
 * or `"default";r=9;t=30` with `RateLimit-Policy: "default";q=100;w=60`, and the older `X-RateLimit-…`.
 */
import type { Quota } from './upstream.ts';

/** Undefined where no header says anything. @param header gives a header by its lower-case name. */
export function parseQuota(header: (name: string) => string | undefined, now: number): Quota | undefined {
  const combined = header('ratelimit');
  const policy = header('ratelimit-policy');
  const limitHeader = header('ratelimit-limit') ?? header('x-ratelimit-limit');
  const remainingHeader = header('ratelimit-remaining') ?? header('x-ratelimit-remaining');
  const limit = leading(limitHeader) ?? named(combined, 'limit') ?? named(policy, 'q') ?? leading(policy);
  const remaining = leading(remainingHeader) ?? named(combined, 'remaining') ?? named(combined, 'r');
  if (limit === undefined && remaining === undefined) return undefined;
  const windowSeconds = named(limitHeader, 'w') ?? named(remainingHeader, 'w') ?? named(policy, 'w');
  return { limit, remaining, windowSeconds, seenAt: now };
}

function leading(text: string | undefined): number | undefined {
  return whole(text?.match(/^\s*(\d{1,15})(?=\s*(?:[;,]|$))/));
}

function named(text: string | undefined, name: string): number | undefined {
  return whole(text?.match(new RegExp(`(?:^|[;,\\s])${name}\\s*=\\s*"?(\\d{1,15})`, 'i')));
}

function whole(match: RegExpMatchArray | null | undefined): number | undefined {
  const digits = match?.[1];
  return digits === undefined ? undefined : Number(digits);
}
