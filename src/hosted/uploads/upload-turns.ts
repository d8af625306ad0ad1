/**
 * Each upload has one request at a time. A later one takes over: a client that comes again does not believe in its first
 * request any more, whose connection may stand open for long.
 */
import { OciError } from '../../oci/errors.ts';

export interface Turn {
  /** Aborted when another request waits, or the server stops: no more bytes are to be received. */
  readonly interrupted: AbortSignal;
  /** Whether another request had its turn just before, and may have ended the upload. */
  readonly hasWaited: boolean;
}

interface RunningTurn {
  readonly interruption: AbortController;
  readonly over: Promise<void>;
}

export class UploadTurns {
  readonly #running = new Map<string, RunningTurn>();
  readonly #closing = new AbortController();

  /** Aborted when the server stops: whatever takes long is to end. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Runs once the request before, which is interrupted, is over. @throws OciError where this one is interrupted before it had its turn */
  async take<T>(id: string, run: (turn: Turn) => Promise<T>): Promise<T> {
    this.closing.throwIfAborted();
    const before = this.#running.get(id);
    const interruption = new AbortController();
    const { promise, resolve } = Promise.withResolvers<void>();
    const turn = { interruption, over: promise };
    this.#running.set(id, turn);
    before?.interruption.abort(takenOver());
    try {
      await before?.over;
      interruption.signal.throwIfAborted();
      return await run({ interrupted: interruption.signal, hasWaited: before !== undefined });
    } finally {
      if (this.#running.get(id) === turn) this.#running.delete(id);
      resolve();
    }
  }

  /** Interrupts all requests and waits for their end. */
  async close(): Promise<void> {
    const reason = new OciError('UNAVAILABLE', { detail: 'the server stops' });
    this.#closing.abort(reason);
    const running = [...this.#running.values()];
    for (const { interruption } of running) interruption.abort(reason);
    await Promise.all(running.map(({ over }) => over));
  }
}

/** The error for a request whose bytes may not count. */
export function takenOver(cause?: unknown): OciError {
  return new OciError('BLOB_UPLOAD_INVALID', {
    detail: 'another request goes on with this upload: ask for its status before sending more',
    status: 409,
    cause,
  });
}
