/** Endpoints under /api/v4: who asks, what they give, what comes back, and one exit for what goes wrong. */
import { Router, type RouterContext } from '@koa/router';
import type { Authenticator } from '../../auth/credentials/authenticate.ts';
import type { Names } from '../../management/acting/names.ts';
import { RefusedError } from '../../management/acting/refused-error.ts';
import type { Endpoint } from '../../management/endpoint/endpoint.ts';
import { ListPart } from '../../management/endpoint/pagination.ts';
import { OtherAnswer } from '../../management/endpoint/response.ts';
import type { ApplicationSettings } from '../../management/server/application-settings.ts';
import { logFault } from '../errors.ts';
import { originOf } from '../event-origin.ts';
import type { RateLimit } from '../rate-limits.ts';
import type { RequestState } from '../state.ts';
import { givenOf, readBody } from './body.ts';
import { type Answer, answerTo, methodNotAllowed, methodsOf, routeUnknown } from './errors.ts';
import { etagOf, sendNamed, sendOnce } from './etag.ts';
import { type CookieSessions, demandAccess, identify } from './identify.ts';

const prefix = '/api/v4';
/** The longest query, most of which links to other pages repeat. What is longer goes into a body. */
const maxQueryLength = 8192;
/** How much of a query, in characters, several links may repeat. */
const maxRepeatedQuery = 1000;

/** The day this API was described first; what GitLab had given up before was never more than tolerated here. */
const deprecatedSince = Date.UTC(2026, 10, 28) / 1000;

/** What `app.use` takes. */
export type RestMiddleware = ReturnType<Router<RequestState>['routes']>;

/** The checks that every endpoint is behind. */
export interface RestGates {
  readonly authenticator: Pick<Authenticator, 'authenticate'>;
  readonly applicationSettings: Pick<ApplicationSettings, 'readOnlyReason' | 'offReason'>;
  readonly names: Pick<Names, 'numbered'>;
  /** The sessions of people at browsers; undefined: no cookie counts. */
  readonly sessions?: CookieSessions | undefined;
  /** The limits of requests; undefined: there are none. */
  readonly rateLimit?: RateLimit | undefined;
}

/** Answers every request below /api/v4 and leaves the others alone. */
export function mountEndpoints(endpoints: readonly Endpoint[], gates: RestGates): RestMiddleware {
  const router = new Router<RequestState>({ prefix, sensitive: true, exclusive: 'specificity' });
  const body = readBody();
  for (const endpoint of endpoints) {
    router.register(endpoint.path, [endpoint.method], [body, (ctx) => handle(endpoint, ctx, gates)]);
  }
  const routes = router.routes();
  return async (ctx, next) => {
    if (ctx.path !== prefix && !ctx.path.startsWith(`${prefix}/`)) return next();
    ctx.set('Cache-Control', 'max-age=0, private, must-revalidate');
    try {
      ctx.state.identified = gates.rateLimit?.(ctx);
      await routes(ctx, async () => send(ctx, unmatched(ctx.method, ctx['matched'])));
    } catch (error) {
      const answer = answerTo(error);
      logFault(ctx.state.log, error, answer.status === 500);
      send(ctx, answer);
    }
  };
}

async function handle(
  endpoint: Endpoint,
  ctx: RouterContext<RequestState>,
  { authenticator, applicationSettings, names, sessions }: RestGates,
): Promise<void> {
  const { address, externalUrl } = ctx.state;
  if (ctx.querystring.length > maxQueryLength)
    throw new RefusedError('parameters', `the query is too long (maximum is ${maxQueryLength} characters)`);
  const given = givenOf(ctx.request.body, new URLSearchParams(ctx.querystring), ctx.params);
  tellOfDeprecation(ctx, endpoint, given);
  const identity = await identify(ctx, given, authenticator, ctx.state, sessions);
  ctx.state.identity = identity;
  ctx.state.identified?.(identity);
  demandAccess(identity, endpoint);
  const { registries } = endpoint;
  const offReason = registries && (await applicationSettings.offReason(registries));
  if (offReason !== undefined) throw new RefusedError('turned-off', offReason);
  const readOnlyReason = endpoint.worksReadOnly ? undefined : await applicationSettings.readOnlyReason();
  if (readOnlyReason !== undefined) throw new RefusedError('unavailable', readOnlyReason);
  // Nobody is told of what only reads.
  const origin = endpoint.method === 'GET' ? undefined : originOf(ctx);
  // A Warning, as RFC 7234 and Kubernetes have it, is of what was done, and may not be what was meant.
  const warn = (sentence: string) => ctx.append('Warning', `299 - "${sentence}"`);
  const numbered = await names.numbered(endpoint.named, given);
  const result = await endpoint.run({ identity, address, origin, warn }, numbered, {
    externalUrl,
    unmodifiedSince: instantOf(ctx.get('If-Unmodified-Since')),
  });
  ctx.status = endpoint.status;
  if (result instanceof ListPart) {
    ctx.set(result.headers(linkedUrl(ctx, endpoint, externalUrl)));
    ctx.body = result.items;
  } else if (result instanceof OtherAnswer) {
    ctx.status = result.status;
    ctx.body = result.body;
  } else if (endpoint.isText) {
    const text = String(result);
    sendNamed(ctx, text, etagOf(text), 'text/plain');
  } else if (endpoint.isSingle) {
    sendOnce(ctx, result);
  } else {
    ctx.body = result;
  }
}

/** Says that an endpoint should no longer be used, which still works: https://www.rfc-editor.org/rfc/rfc9745.html */
function tellOfDeprecation(
  ctx: RouterContext,
  { isOutdated, deprecated }: Endpoint,
  given: Readonly<Record<string, unknown>>,
): void {
  if (isOutdated || deprecated.some((name) => given[name] !== undefined))
    ctx.set('Deprecation', `@${deprecatedSince}`);
}

/** The address that links to other pages begin with. Of a long query only what the endpoint knows is repeated, which has bounds. */
function linkedUrl(ctx: RouterContext, { params }: Endpoint, externalUrl: string): URL {
  const url = new URL(ctx.path + ctx.search, externalUrl);
  if (url.search.length <= maxRepeatedQuery) return url;
  const known = [...url.searchParams].filter(([name]) => name.replace(/\[\]$/, '') in params.shape);
  url.search = new URLSearchParams(known).toString();
  return url;
}

/** The answer where nothing matches: the path may be known, and only the method not. */
function unmatched(method: string, matched: RouterContext['matched']): Answer {
  const allowed = [...new Set(matched?.flatMap((layer) => layer.methods))];
  if (allowed.length === 0) return routeUnknown;
  return method === 'OPTIONS' ? methodsOf(allowed) : methodNotAllowed(allowed);
}

function send(ctx: Pick<RouterContext, 'set' | 'status' | 'body'>, { status, body, headers }: Answer): void {
  ctx.status = status;
  ctx.set(headers ?? {});
  ctx.body = body;
}

function instantOf(text: string): number | undefined {
  const instant = Date.parse(text);
  return Number.isNaN(instant) ? undefined : instant;
}
