/** {@link Tracing} by the packages of OpenTelemetry, which are loaded with this file. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
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
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { withinTime } from '../../concurrency/within-time.ts';
import { version } from '../../config/version.ts';
import type { Tracing } from './tracing.ts';

/** The last spans are given up where the collector has not taken them by then: a server that ends has others waiting. */
const lastMs = 2000;

/**
 * @param endpoint where a collector takes OTLP over HTTP, without /v1/traces
 * @param percent of the traces that begin here; what came with a trace is recorded where its beginning was
 * @param id of this process, unlike all others
 */
export function traceTo(endpoint: string, percent: number, id: string): Tracing {
  const exporter = new OTLPTraceExporter({ url: `${endpoint.replace(/\/$/, '')}/v1/traces` });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': 'entrepot',
      'service.version': version,
      'service.instance.id': id,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(percent / 100) }),
    spanProcessors: [new BatchSpanProcessor({ exporter })],
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
    close: () =>
      withinTime(provider.shutdown(), lastMs, (message) => new Error(message)).catch(() => undefined),
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
  const place = /^\/(v2|api|gitlab|jwt|-\/(?:fills|questions|processes))[/?]/.exec(url)?.[1];
  return [method, kind ?? place].filter((each) => each !== undefined).join(' ');
}
