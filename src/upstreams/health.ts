/** How one upstream is doing, learnt from every request that is run through here, and whether it is asked at all. */
import type { Log } from '../observe/log.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import { Breaker, type Ticket } from './breaker.ts';
import { parseQuota } from './quota.ts';
import type { SharedHealth } from './shared-health.ts';
import type { BreakerState, Quota, UpstreamHealth } from './upstream.ts';
import type { UpstreamObserver, UpstreamRequestKind } from './upstream-observer.ts';

export interface HealthOptions {
  readonly id: number;
  readonly name: string;
  readonly breakerFailures: number;
  readonly breakerMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly observer: UpstreamObserver;
  /** What other processes say of it. */
  readonly shared: SharedHealth;
  readonly log: Log;
}

export class Health {
  readonly #options: HealthOptions;
  readonly #label: string;
  readonly #breaker: Breaker;
  #lastSuccessAt: number | undefined;
  #lastError: { readonly at: number; readonly error: OutboundError } | undefined;
  /** Why the breaker opened. */
  #reason: OutboundError | undefined;
  #quota: Quota | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    this.#label = String(options.id);
    this.#breaker = new Breaker({
      failures: options.breakerFailures,
      openMs: options.breakerMs,
      now: options.now,
      onChange: (state) => this.#breakerChanged(state),
    });
  }

  /**
   * Runs a request unless the breaker is open, and learns from its outcome.
   * @throws OutboundError, the run's own or, where it was not run, one of the kind that opened the breaker.
   */
  async run<T>(kind: UpstreamRequestKind, work: (ticket: Ticket) => Promise<T>): Promise<T> {
    await this.#hear();
    const ticket = this.#breaker.enter();
    if (ticket === undefined) throw this.#notAsked();
    const startedAt = this.#options.now();
    try {
      const result = await work(ticket);
      this.#lastSuccessAt = this.#options.now();
      this.#breaker.succeeded(ticket);
      this.ended(kind, undefined, this.#options.now() - startedAt);
      return result;
    } catch (error) {
      this.failed(ticket, error);
      this.ended(kind, error, this.#options.now() - startedAt);
      throw error;
    }
  }

  /** Tells the observer of a request. Anything but an OutboundError is the caller's giving up, which is nobody's result. */
  ended(kind: UpstreamRequestKind, error: unknown, milliseconds: number): void {
    if (error !== undefined && !(error instanceof OutboundError)) return;
    this.#options.observer.request(this.#label, kind, error?.kind ?? 'ok', milliseconds / 1000);
  }

  /** Learns from a failure; a not-found or a refusal is the answer of a registry that works. */
  failed(ticket: Ticket, error: unknown): void {
    if (!(error instanceof OutboundError)) {
      this.#breaker.abandoned(ticket);
      return;
    }
    if (error.limit !== undefined) this.#tookTooLong(error.limit, error.message);
    if (error.busy) {
      this.#breaker.abandoned(ticket);
      return;
    }
    if (error.kind !== 'not-found') this.#lastError = { at: this.#options.now(), error };
    switch (error.kind) {
      case 'unavailable':
        this.#reason = error;
        this.#breaker.failed(ticket);
        this.#tell('unavailable', error);
        break;
      case 'rate-limited':
        this.#reason = error;
        this.#breaker.refused(error.retryAfterMs);
        this.#tell('rate-limited', error);
        break;
      default:
        this.#breaker.succeeded(ticket);
    }
  }

  arrived(bytes: number): void {
    this.#options.observer.bytes(this.#label, bytes);
  }

  noteQuota(header: (name: string) => string | undefined): void {
    const { now, log, id, name } = this.#options;
    const quota = parseQuota(header, now());
    if (!quota) return;
    if (quota.remaining === 0 && this.#quota?.remaining !== 0)
      log.warn({ upstream: id, name, quota }, 'the upstream says that its rate limit is used up');
    this.#options.shared.tellQuota(quota);
    this.#learn(quota);
  }

  snapshot(): UpstreamHealth {
    const last = this.#lastError;
    return {
      breaker: this.#breaker.state,
      openUntil: this.#breaker.openUntil,
      lastSuccessAt: this.#lastSuccessAt,
      lastError: last && { at: last.at, message: last.error.message },
      quota: this.#quota,
    };
  }

  #learn(quota: Quota): void {
    this.#quota = quota;
    this.#options.observer.quota(this.#label, quota);
  }

  /** Where it is left alone from now on. */
  #tell(kind: 'rate-limited' | 'unavailable', { message }: OutboundError): void {
    const { openUntil: until } = this.#breaker;
    if (until !== undefined) this.#options.shared.tellRefusal({ kind, message, until });
  }

  /**
   * What other processes were told. To stay away holds for all; that it failed may be the fault of who asked, so that one failure more is
   * needed here.
   */
  async #hear(): Promise<void> {
    const { shared, now } = this.#options;
    const [refusal, quota] = await Promise.all([shared.findRefusal(), shared.findQuota()]);
    if (quota && quota.seenAt > (this.#quota?.seenAt ?? 0)) this.#learn(quota);
    if (refusal?.kind === 'unavailable') this.#breaker.doubt(refusal.until);
    if (refusal?.kind !== 'rate-limited' || this.#breaker.state === 'open') return;
    this.#reason = new OutboundError('rate-limited', refusal.message);
    this.#breaker.refused(refusal.until - now());
  }

  #tookTooLong(limit: string, reason: string): void {
    const { observer, log, id, name } = this.#options;
    observer.timedOut(this.#label, limit);
    log.warn({ upstream: id, name, limit, reason }, 'the upstream was not waited for any longer');
  }

  #notAsked(): OutboundError {
    const { openUntil } = this.#breaker;
    const retryAfterMs = Math.max(1000, (openUntil ?? 0) - this.#options.now());
    const kind = this.#reason?.kind ?? 'unavailable';
    const when =
      openUntil === undefined
        ? 'while it is being tried again'
        : `for another ${Math.ceil(retryAfterMs / 1000)} s`;
    return new OutboundError(kind, `is not asked ${when}: it ${this.#reason?.message}`, {
      retryAfterMs,
      unreachable: kind === 'unavailable',
      cause: this.#reason,
    });
  }

  #breakerChanged(state: BreakerState): void {
    const { observer, log, id, name } = this.#options;
    observer.breaker(this.#label, state);
    const fields = {
      upstream: id,
      name,
      breaker: state,
      openUntil: this.#breaker.openUntil,
      reason: this.#reason?.message,
    };
    if (state === 'open') log.warn(fields, 'the upstream is not asked for a while');
    else log.info(fields, state === 'closed' ? 'the upstream is asked again' : 'the upstream is tried again');
  }
}
