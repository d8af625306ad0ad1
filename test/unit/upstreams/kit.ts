/** What tests of upstreams are made of. */
import { UpstreamTokens } from '../../../src/cache/upstream-tokens.ts';
import type { Log } from '../../../src/observe/log.ts';
import { parseRepositoryName, parseTag } from '../../../src/oci/reference.ts';
import type { OutboundErrorKind } from '../../../src/outbound/outbound-error.ts';
import type { UpstreamOptions } from '../../../src/upstreams/registry.ts';
import { RemoteUpstream } from '../../../src/upstreams/remote-upstream.ts';
import {
  type BreakerState,
  plainNetwork,
  type Quota,
  type UpstreamSettings,
} from '../../../src/upstreams/upstream.ts';
import type { UpstreamObserver, UpstreamRequestKind } from '../../../src/upstreams/upstream-observer.ts';

export const image = parseRepositoryName('team/app');
export const latest = parseTag('latest');
export const credentials = { username: 'robot', password: 's3cret' };

export class RecordingObserver implements UpstreamObserver {
  /** As "kind result". */
  readonly requests: string[] = [];
  /** Of the requests. */
  readonly seconds: number[] = [];
  readonly timeOuts: string[] = [];
  readonly breakers: BreakerState[] = [];
  readonly quotas: Quota[] = [];
  readonly gone: string[] = [];
  bytesArrived = 0;

  request(
    _upstream: string,
    kind: UpstreamRequestKind,
    result: 'ok' | OutboundErrorKind,
    seconds: number,
  ): void {
    this.requests.push(`${kind} ${result}`);
    this.seconds.push(seconds);
  }
  timedOut(_upstream: string, limit: string): void {
    this.timeOuts.push(limit);
  }
  bytes(_upstream: string, count: number): void {
    this.bytesArrived += count;
  }
  breaker(_upstream: string, state: BreakerState): void {
    this.breakers.push(state);
  }
  quota(_upstream: string, quota: Quota): void {
    this.quotas.push(quota);
  }
  forgotten(upstream: string): void {
    this.gone.push(upstream);
  }
}

/** A log that keeps its lines as JSON. */
export class RecordingLog implements Log {
  readonly lines: string[] = [];
  readonly debug = this.#writerOf('debug');
  readonly info = this.#writerOf('info');
  readonly warn = this.#writerOf('warn');
  readonly error = this.#writerOf('error');
  child(): Log {
    return this;
  }
  #writerOf(level: string) {
    return (fields: object, message: string): void => {
      this.lines.push(JSON.stringify({ level, ...fields, message }));
    };
  }
}

/** Stands still until it is moved. */
export class Clock {
  ms = Date.parse('2026-01-01T00:00:00Z');
  readonly now = (): number => this.ms;
}

export interface Kit {
  readonly upstream: RemoteUpstream;
  readonly observer: RecordingObserver;
  readonly log: RecordingLog;
  readonly clock: Clock;
}

export function settingsOf(settings: Partial<UpstreamSettings> = {}): UpstreamSettings {
  return {
    id: 7,
    name: 'seven',
    url: 'https://registry.example.com',
    credentials: undefined,
    allowPatterns: [],
    denyPatterns: [],
    allowPrivateNetwork: false,
    network: plainNetwork,
    cacheValidityHours: 24,
    updatedAt: 1,
    ...settings,
  };
}

export function createKit(
  settings: Partial<UpstreamSettings> = {},
  options: Partial<UpstreamOptions> = {},
): Kit {
  const observer = new RecordingObserver();
  const log = new RecordingLog();
  const clock = new Clock();
  const upstream = new RemoteUpstream(
    settingsOf(settings),
    optionsOf({ observer, log, now: clock.now, ...options }),
  );
  return { upstream, observer, log, clock };
}

export function optionsOf(options: Partial<UpstreamOptions> = {}): UpstreamOptions {
  const now = options.now ?? new Clock().now;
  return {
    userAgent: 'entrepot/test',
    maxConnections: 8,
    connectMs: 60_000,
    firstByteMs: 60_000,
    probeMs: 60_000,
    answerMs: 60_000,
    listMs: 60_000,
    queueMs: 60_000,
    minBytesPerSecond: 0,
    idleMs: 60_000,
    breakerFailures: 3,
    breakerMs: 30_000,
    allowedNetworks: [],
    tokenHosts: [],
    ambientHosts: [],
    cloudEndpoints: [],
    now,
    tokens: new UpstreamTokens(now),
    shared: { find: async () => undefined, remember: async () => undefined },
    observer: new RecordingObserver(),
    log: new RecordingLog(),
    ...options,
  };
}
