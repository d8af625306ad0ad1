/** Retry-After, in seconds or as a date. https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3 */
const maxRetryAfterMs = 60 * 60 * 1000;

/** In milliseconds from `now`, at most an hour; undefined where the header is absent or unreadable. */
export function parseRetryAfter(header: string | undefined, now: number): number | undefined {
  if (header === undefined) return undefined;
  const text = header.trim();
  const ms = /^\d+$/.test(text) ? Number(text) * 1000 : parseDate(text) - now;
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), maxRetryAfterMs);
}

/** A date has a time of day: without one `Date.parse` takes `-1` and `1.5` for days long ago, after which nothing would be waited for. */
function parseDate(text: string): number {
  return text.includes(':') ? Date.parse(text) : Number.NaN;
}
