/**
 * Whether an upstream is asked at all. Closed: yes. Open: no, until a time. Half-open: one request goes through, and its outcome decides.
 * Each request holds a ticket, so that one which started before the last change says nothing about what is now.
 */
import type { BreakerState } from './upstream.ts';

export interface BreakerOptions {
  /** Failures in a row that open it. */
  readonly failures: number;
  readonly openMs: number;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly onChange: (state: BreakerState) => void;
}

export type Ticket = number;

export class Breaker {
  readonly #options: BreakerOptions;
  #state: BreakerState = 'closed';
  #failures = 0;
  #openUntil = 0;
  #term: Ticket = 0;
  #doubtedUntil = 0;

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Epoch milliseconds; undefined unless open. */
  get openUntil(): number | undefined {
    return this.#state === 'open' ? this.#openUntil : undefined;
  }

  /** Undefined: do not ask. Each ticket is handed back by one of the methods below. */
  enter(): Ticket | undefined {
    if (this.#state === 'closed') return this.#term;
    if (this.#state === 'half-open' || this.#options.now() < this.#openUntil) return undefined;
    this.#change('half-open');
    return this.#term;
  }

  succeeded(ticket: Ticket): void {
    if (ticket !== this.#term) return;
    this.#failures = 0;
    if (this.#state === 'half-open') this.#change('closed');
  }

  failed(ticket: Ticket): void {
    if (ticket !== this.#term) return;
    this.#failures += 1;
    const { failures, openMs, now } = this.#options;
    const enough = now() < this.#doubtedUntil ? 1 : failures;
    if (this.#state === 'half-open' || this.#failures >= enough) this.#open(openMs);
  }

  /** It failed elsewhere: one failure is enough until then; epoch milliseconds. */
  doubt(until: number): void {
    this.#doubtedUntil = until;
  }

  /** The upstream asked to be left alone; said by any request, it holds. */
  refused(forMs: number = this.#options.openMs): void {
    const until = this.#options.now() + forMs;
    if (this.#state !== 'open') this.#open(forMs);
    else this.#openUntil = Math.max(this.#openUntil, until);
  }

  /** The request ended without saying anything about the upstream. */
  abandoned(ticket: Ticket): void {
    if (ticket === this.#term && this.#state === 'half-open') this.#open(0);
  }

  #open(forMs: number): void {
    this.#openUntil = this.#options.now() + forMs;
    this.#change('open');
  }

  #change(state: BreakerState): void {
    this.#state = state;
    this.#term += 1;
    this.#options.onChange(state);
  }
}
