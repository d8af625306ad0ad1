/** What clients should no longer use still works, and says so: https://www.rfc-editor.org/rfc/rfc9745.html */
import type { Context } from 'koa';
import type { Endpoint } from '../../management/endpoint/endpoint.ts';

/** The day this API was described first; what GitLab had given up before was never more than tolerated here. */
const deprecatedSince = Date.UTC(2026, 10, 28) / 1000;

export function tellOfDeprecation(
  ctx: Context,
  { isOutdated, deprecated }: Pick<Endpoint, 'isOutdated' | 'deprecated'>,
  given: Readonly<Record<string, unknown>>,
): void {
  if (isOutdated || deprecated.some((name) => given[name] !== undefined))
    ctx.set('Deprecation', `@${deprecatedSince}`);
}
