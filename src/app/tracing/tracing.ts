/**
 * What a request leads to, as spans of OpenTelemetry, sent by OTLP over HTTP. Off, nothing of it is loaded and nothing is wrapped. What is
 * watched does not know of it: the assembly hands out objects whose methods have spans around them.
 */
import type { RequestListener } from 'node:http';
import type { Attributes } from '@opentelemetry/api';

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
