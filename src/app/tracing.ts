/**
 * What a request leads to, as spans of OpenTelemetry, sent by OTLP over HTTP. Off, nothing of it is loaded and nothing is wrapped. What is
 * watched does not know of it: the assembly hands out objects whose methods have spans around them.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage, RequestListener } from 'node:http';
import {
  type Attributes,
  type Context,
  defaultTextMapSetter,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { version } from '../config/version.ts';

export interface TracingOptions {
  /** Where a collector takes OTLP over HTTP, without /v1/traces; undefined: off. */
  readonly endpoint: string | undefined;
  /** Of the traces that begin here; what came with a trace is recorded where its beginning was. */
  readonly percent: number;
}

export interface Tracing {
  /** A span for each request to it, which goes on with the trace that the client names. */
  around(handler: RequestListener): RequestListener;
  /** As the object, with a span of this name around each call of the method. */
  watch<T extends object>(watched: T, spans: Spans<T>): T;
  /** A span from now to the end of the first call of one of these methods. */
  watchLife<T extends object>(name: string, watched: T, ends: readonly (keyof T)[]): T;
  /** A span that has just ended. */
  note(name: string, ms: number, attributes: Attributes, error?: unknown): void;
  /** What tells another server of the trace. */
  headers(): Readonly<Record<string, string>>;
  traceId(): string | undefined;
  /** Once what was recorded is sent, or could not be. */
  close(): Promise<void>;
}

export type Spans<T> = { readonly [K in keyof T]?: string };

/** Undefined where it is off. */
export async function startTracing({ endpoint, percent }: TracingOptions): Promise<Tracing | undefined> {
  if (endpoint === undefined) return undefined;
  const [sdk, { OTLPTraceExporter }, { resourceFromAttributes }, { W3CTraceContextPropagator }] =
    await Promise.all([
      import('@opentelemetry/sdk-trace'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
      import('@opentelemetry/core'),
    ]);
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new sdk.TracerProvider({
    resource: resourceFromAttributes({ 'service.name': 'entrepot', 'service.version': version }),
    sampler: new sdk.ParentBasedSampler({ root: new sdk.TraceIdRatioBasedSampler(percent / 100) }),
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter })],
  });
  const tracer = provider.getTracer('entrepot');
  const propagator = new W3CTraceContextPropagator();
  const running = new AsyncLocalStorage<Context>();
  const current = () => running.getStore() ?? ROOT_CONTEXT;
  const begin = (name: string, context: Context, attributes?: Attributes, kind?: SpanKind) => {
    const span = tracer.startSpan(
      name,
      { ...(attributes && { attributes }), ...(kind && { kind }) },
      context,
    );
    return { span, context: trace.setSpan(context, span) };
  };

  /** What the call gives; its span ends when that is there. */
  const call = (name: string, run: () => unknown): unknown => {
    const { span, context } = begin(name, current());
    return running.run(context, () => endingWith(span, run));
  };

  return {
    around: (handler) => (request, response) => {
      const parent = propagator.extract(ROOT_CONTEXT, request.headers, headerGetter);
      const { span, context } = begin(nameOf(request), parent, attributesOf(request), SpanKind.SERVER);
      response.once('close', () => {
        span.setAttribute('http.response.status_code', response.statusCode);
        if (response.statusCode >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
        span.end();
      });
      running.run(context, () => handler(request, response));
    },
    watch: (watched, spans) =>
      wrap(watched, (key, method) => {
        const name: unknown = Reflect.get(spans, key);
        return typeof name !== 'string' ? method : (...args) => call(name, () => method(...args));
      }),
    watchLife(name, watched, ends) {
      const { span } = begin(name, current());
      return wrap(watched, (key, method) =>
        ends.some((end) => end === key) ? (...args) => endingWith(span, () => method(...args)) : method,
      );
    },
    note(name, ms, attributes, error) {
      const endTime = Date.now();
      const span = tracer.startSpan(
        name,
        { startTime: endTime - ms, attributes, kind: SpanKind.CLIENT },
        current(),
      );
      if (error !== undefined) fail(span, error);
      span.end(endTime);
    },
    headers() {
      const carrier: Record<string, string> = {};
      propagator.inject(current(), carrier, defaultTextMapSetter);
      return carrier;
    },
    traceId: () => trace.getSpanContext(current())?.traceId,
    close: () => provider.shutdown().catch(() => undefined),
  };
}

type Method = (...args: unknown[]) => unknown;

/** The object itself is the `this` of its methods, which private fields ask for. */
function wrap<T extends object>(watched: T, replace: (key: PropertyKey, method: Method) => Method): T {
  const made = new Map<PropertyKey, Method>();
  return new Proxy(watched, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function') return value;
      const known = made.get(key);
      if (known) return known;
      const method = replace(key, value.bind(target));
      made.set(key, method);
      return method;
    },
  });
}

/** Ends the span when what `run` gives is there, or has failed. */
function endingWith(span: Span, run: () => unknown): unknown {
  try {
    const given = run();
    if (!(given instanceof Promise)) {
      span.end();
      return given;
    }
    return given.then(
      (value: unknown) => {
        span.end();
        return value;
      },
      (error: unknown) => {
        fail(span, error);
        span.end();
        throw error;
      },
    );
  } catch (error) {
    fail(span, error);
    span.end();
    throw error;
  }
}

function fail(span: Span, error: unknown): void {
  span.setStatus({
    code: SpanStatusCode.ERROR,
    message: error instanceof Error ? error.message : String(error),
  });
}

const headerGetter = {
  get: (headers: IncomingMessage['headers'], name: string) => headers[name],
  keys: (headers: IncomingMessage['headers']) => Object.keys(headers),
};

/** Queries may be signatures, tokens or passwords, and are nowhere. */
function attributesOf({ method = '', url = '' }: IncomingMessage): Attributes {
  return { 'http.request.method': method, 'url.path': url.split('?', 1)[0]?.slice(0, 2048) ?? '' };
}

/** One of few. */
function nameOf({ method = '', url = '' }: IncomingMessage): string {
  const kind = /^\/v2\/.+\/(manifests|blobs|tags|referrers)\//.exec(url)?.[1];
  const place = /^\/(v2|api|gitlab|jwt)\//.exec(url)?.[1];
  return [method, kind ?? place].filter((each) => each !== undefined).join(' ');
}
