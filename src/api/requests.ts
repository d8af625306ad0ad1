/**
 * Where each request comes in: its id, whom it is from, and at its end one line in the log and the metrics.
 * On the path of warm pulls, so what only some requests need is found out when it is asked for.
 */
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Middleware } from 'koa';
import { anonymous, type Identity, nameOf } from '../auth/rights/identity.ts';
import type { Log } from '../observe/log.ts';
import { OciError } from '../oci/errors.ts';
import type { UpstreamChoice } from '../oci/registry-host.ts';
import type { Outcome } from '../oci/repository.ts';
import { externalUrlOf, TrustedProxies } from './forwarded.ts';
import type { Mirror } from './mirrors.ts';
import type { RequestState } from './state.ts';

/** What metrics learn of each request. */
export interface RequestObserver {
  /** Told at the end of the answer. The route is a pattern, never a path. */
  answered(method: string, route: string, status: number, seconds: number): void;
  /** Told how many bytes of manifests and blobs a client got. */
  served(outcome: Outcome, bytes: number): void;
}

export interface RequestOptions {
  readonly log: Log;
  readonly observer: RequestObserver;
  /** The scheme://host that clients know us by; where undefined, each request says it. */
  readonly externalUrl: string | undefined;
  /** Whether answers name places by path alone. */
  readonly relativeUrls?: boolean | undefined;
  /** Networks in CIDR notation. */
  readonly trustedProxies: readonly string[];
  /** Which requests have a line in the log; errors: what is answered with 400 or more, or breaks off; sampled: some of the others, too. */
  readonly logged: 'all' | 'sampled' | 'errors';
  /** Milliseconds of a clock that is never set back. */
  readonly now: () => number;
  /** Of the trace that a request belongs to, asked once for each. */
  readonly traceId?: (() => string | undefined) | undefined;
}

/** Headers of all answers, since many are what others sent us: a browser guesses no type, and runs nothing. Pages for people say otherwise. */
export const inertHeaders = {
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "default-src 'none'; sandbox",
} as const;
const inertEntries = Object.entries(inertHeaders);

const sanePattern = /^[\w.:/+=-]{1,128}$/;
/** Of the requests that went well, one of so many is logged where they are sampled. */
const sampledEach = 100;
const knownMethods = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']);

/** Thrown wherever something was waited for when the client left; it is nobody's answer. */
const clientLeft = new OciError('UNAVAILABLE', { status: 499, detail: 'the client left' });

export class Requests {
  readonly #options: RequestOptions;
  readonly #proxies: TrustedProxies;
  /** What began before koa got it. */
  readonly #begun = new WeakMap<IncomingMessage, ReceivedRequest>();
  /** How many went well and had no line since the last of them that had one. */
  #unlogged = 0;

  constructor(options: RequestOptions) {
    this.#options = options;
    this.#proxies = new TrustedProxies(options.trustedProxies);
  }

  /** To be called once for each request, before anything is waited for. */
  begin(request: IncomingMessage, response: ServerResponse, mirror?: Mirror): ReceivedRequest {
    const { now } = this.#options;
    const startedAt = now();
    const state = new ReceivedRequest(request, response, mirror, this.#options, this.#proxies);
    // 'close' comes once, after the last byte or when the client has left.
    response.on('close', () => {
      const log = this.#isLogged(response) ? this.#options.log : undefined;
      report(request, response, state, { observer: this.#options.observer, log }, now() - startedAt);
    });
    return state;
  }

  /** Whether the answer, which is over, has a line in the log. */
  #isLogged({ statusCode, writableFinished }: ServerResponse): boolean {
    const { logged } = this.#options;
    if (logged === 'all' || statusCode >= 400 || !writableFinished) return true;
    this.#unlogged = (this.#unlogged + 1) % sampledEach;
    return logged === 'sampled' && this.#unlogged === 0;
  }

  /** Lets koa go on with a request that has begun. */
  handOver(request: IncomingMessage, state: ReceivedRequest): void {
    this.#begun.set(request, state);
  }

  readonly middleware: Middleware<RequestState> = (ctx, next) => {
    const { req, res } = ctx;
    if (req.url?.charCodeAt(0) !== slash) req.url = originForm(req.url ?? '');
    const state = this.#begun.get(req) ?? this.begin(req, res);
    // @koa/router notes the pattern that it found.
    state.findRoute = () => ctx['_matchedRoute'];
    ctx.state = state;
    res.setHeader('X-Request-Id', state.requestId);
    for (const [name, value] of inertEntries) res.setHeader(name, value);
    return next();
  };
}

const slash = 0x2f;

/** What a client sent to us as to a proxy, `http://host/path`, is as if it had sent the path. https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2 */
function originForm(target: string): string {
  const rest = target.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i, '');
  return rest.startsWith('/') ? rest : `/${rest}`;
}

export class ReceivedRequest implements RequestState {
  readonly requestId: string;
  readonly traceId: string | undefined;
  identity: Identity = anonymous;
  readonly mirror: Mirror | undefined;
  choice: UpstreamChoice | undefined;
  outcome: Outcome | undefined;
  route: string | undefined;
  refusal: OciError | undefined;
  sentBytes: number | undefined;
  /** The pattern that answered, where it is none of /v2. */
  findRoute: () => unknown = () => undefined;
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #options: RequestOptions;
  readonly #proxies: TrustedProxies;
  #log: Log | undefined;
  #leaving: AbortController | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    mirror: Mirror | undefined,
    options: RequestOptions,
    proxies: TrustedProxies,
  ) {
    const given = request.headers['x-request-id'];
    this.requestId = typeof given === 'string' && sanePattern.test(given) ? given : randomUUID();
    this.traceId = options.traceId?.();
    this.mirror = mirror;
    this.#request = request;
    this.#response = response;
    this.#options = options;
    this.#proxies = proxies;
  }

  get log(): Log {
    this.#log ??= this.#options.log.child({ requestId: this.requestId, traceId: this.traceId });
    return this.#log;
  }

  get left(): AbortSignal {
    if (this.#leaving) return this.#leaving.signal;
    const leaving = new AbortController();
    const response = this.#response;
    const leave = () => {
      if (!response.writableFinished) leaving.abort(clientLeft);
    };
    this.#leaving = leaving;
    if (response.destroyed) leave();
    else response.once('close', leave);
    return leaving.signal;
  }

  get address(): string | undefined {
    return this.#proxies.clientAddress(this.#request.socket.remoteAddress, this.#request.headers);
  }

  get locationBase(): string {
    return this.#options.relativeUrls ? '' : this.externalUrl;
  }

  get externalUrl(): string {
    if (this.#options.externalUrl !== undefined) return this.#options.externalUrl;
    const { socket, headers } = this.#request;
    const { localAddress, localPort } = socket;
    const isEncrypted = 'encrypted' in socket && socket.encrypted === true;
    return externalUrlOf(
      { isEncrypted, localAddress, localPort, headers },
      this.#proxies.claims(socket.remoteAddress, headers),
    );
  }
}

/** @param log undefined: the request has no line */
function report(
  req: IncomingMessage,
  res: ServerResponse,
  state: ReceivedRequest,
  { observer, log }: { readonly observer: RequestObserver; readonly log: Log | undefined },
  tookMs: number,
): void {
  const method = req.method ?? '';
  const status = res.statusCode;
  const bytes = state.sentBytes ?? (method === 'HEAD' ? 0 : Number(res.getHeader('Content-Length') ?? 0));
  const { outcome, refusal } = state;
  observer.answered(knownMethods.has(method) ? method : 'other', routeOf(state), status, tookMs / 1000);
  if (outcome !== undefined) observer.served(outcome, bytes);
  if (!log) return;
  const fields = {
    requestId: state.requestId,
    traceId: state.traceId,
    method,
    path: pathOf(req.url ?? ''),
    mirror: state.mirror?.registryId,
    status,
    bytes,
    ms: Math.round(tookMs * 10) / 10,
    outcome,
    user: nameOf(state.identity),
    address: state.address,
    code: refusal?.code,
    detail: refusal?.detail,
    // It was not sent to its end: the client left, or the bytes broke off.
    incomplete: res.writableFinished ? undefined : true,
  };
  if (status >= 500) log.warn(fields, 'request');
  else if (isPing(req, status)) log.debug(fields, 'request');
  else log.info(fields, 'request');
}

/** Every path that is known here is shorter. */
const maxLoggedLength = 2048;

/** Whether a client only asks where tokens are to be had, with which each begins. */
function isPing({ url, headers }: IncomingMessage, status: number): boolean {
  return status === 401 && (url === '/v2/' || url === '/v2') && headers.authorization === undefined;
}

/** The path without its query, which may be a signature, a token or a password and is never written. */
function pathOf(url: string): string {
  const query = url.indexOf('?');
  return url.slice(0, Math.min(query === -1 ? url.length : query, maxLoggedLength));
}

function routeOf({ route, findRoute }: ReceivedRequest): string {
  const found = route ?? findRoute();
  return typeof found === 'string' ? found : 'none';
}
