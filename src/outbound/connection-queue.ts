/**
 * Who gets one of the connections to an origin, and who waits for how long. Images take turns, and one of them never has more than half;
 * where a HEAD is asked over them too, a quarter is left to those, which are over in no time where the upstream works.
 */
import type { Limit } from './deadline.ts';
import { OutboundError } from './outbound-error.ts';

export interface Asker {
  /** Whose turn it is: of the same one, the first waits the longest. */
  readonly repository: string | undefined;
  /** Whether it is a HEAD. */
  readonly isProbe: boolean;
}

interface Waiter extends Asker {
  readonly given: () => void;
}

export class ConnectionQueue {
  readonly #max: number;
  /** Of one repository. */
  readonly #share: number;
  /** Of all that is no HEAD. */
  readonly #mostRead: number;
  readonly #limit: Limit;
  readonly #takenBy = new Map<Asker['repository'], number>();
  /** By repository, in the order of their turns. */
  readonly #waiting = new Map<Asker['repository'], Set<Waiter>>();
  #taken = 0;
  #reading = 0;

  /** @param limit of the waiting, where the caller has no shorter one */
  constructor(options: { readonly max: number; readonly hasProbes: boolean; readonly limit: Limit }) {
    const { max, hasProbes, limit } = options;
    this.#max = max;
    this.#share = Math.ceil(max / 2);
    this.#mostRead = hasProbes ? max - Math.floor(max / 4) : max;
    this.#limit = limit;
  }

  /** Nobody waits where none is taken. */
  get isIdle(): boolean {
    return this.#taken === 0;
  }

  /**
   * @returns to be called once the connection is free again; more calls do nothing
   * @throws OutboundError busy where it took too long, or the signal's reason where that is another
   */
  async take(asker: Asker, signal: AbortSignal | undefined): Promise<() => void> {
    signal?.throwIfAborted();
    if (this.#hasRoomFor(asker)) this.#give(asker);
    else await this.#turnOf(asker, signal);
    let isTaken = true;
    return () => {
      if (isTaken) this.#release(asker);
      isTaken = false;
    };
  }

  async #turnOf(asker: Asker, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiter = { ...asker, given: resolve };
    const leave = (reason: unknown) => {
      this.#forget(waiter);
      reject(reason);
    };
    const timer = setTimeout(() => leave(busy(this.#limit.setting)), this.#limit.ms);
    const abort = () => leave(asBusy(signal?.reason));
    signal?.addEventListener('abort', abort);
    const others = this.#waiting.get(asker.repository) ?? new Set();
    this.#waiting.set(asker.repository, others.add(waiter));
    try {
      await promise;
    } finally {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    }
  }

  #hasRoomFor({ repository, isProbe }: Asker): boolean {
    return (
      this.#taken < this.#max && this.#mayHaveMore(repository) && (isProbe || this.#reading < this.#mostRead)
    );
  }

  #mayHaveMore(repository: Asker['repository']): boolean {
    return (this.#takenBy.get(repository) ?? 0) < this.#share;
  }

  #give({ repository, isProbe }: Asker): void {
    this.#taken += 1;
    if (!isProbe) this.#reading += 1;
    this.#takenBy.set(repository, (this.#takenBy.get(repository) ?? 0) + 1);
  }

  #release({ repository, isProbe }: Asker): void {
    this.#taken -= 1;
    if (!isProbe) this.#reading -= 1;
    const left = (this.#takenBy.get(repository) ?? 1) - 1;
    if (left > 0) this.#takenBy.set(repository, left);
    else this.#takenBy.delete(repository);
    for (let next = this.#findNext(); next; next = this.#findNext()) {
      this.#forget(next);
      this.#give(next);
      next.given();
    }
  }

  #findNext(): Waiter | undefined {
    if (this.#taken >= this.#max) return undefined;
    for (const [repository, waiters] of this.#waiting) {
      if (!this.#mayHaveMore(repository)) continue;
      for (const waiter of waiters) if (this.#hasRoomFor(waiter)) return waiter;
    }
    return undefined;
  }

  /** The others of its repository then wait behind those of all the others. */
  #forget(waiter: Waiter): void {
    const { repository } = waiter;
    const waiters = this.#waiting.get(repository);
    if (!waiters?.delete(waiter)) return;
    this.#waiting.delete(repository);
    if (waiters.size > 0) this.#waiting.set(repository, waiters);
  }
}

/** A deadline that ends the waiting says nothing of the upstream, which was not asked. */
function asBusy(reason: unknown): unknown {
  return reason instanceof OutboundError && reason.limit !== undefined ? busy(reason.limit) : reason;
}

function busy(limit: string): OutboundError {
  return new OutboundError('unavailable', 'was not asked: the connections to it stayed busy', {
    limit,
    busy: true,
  });
}
