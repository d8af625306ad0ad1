/** A connection between replicas that is played: frames after one hop, and an end with whoever sends. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Frame } from '../../src/cluster/frames.ts';
import { OutboundError } from '../../src/outbound/outbound-error.ts';

export class Line {
  readonly #leaving = new AbortController();
  readonly #hopMs: number;
  readonly #sent: Frame[] = [];
  #isOver = false;
  #wake: () => void = () => undefined;

  /** @param life of who sends, given when it dies */
  constructor(life: AbortSignal, hopMs: number) {
    this.#hopMs = hopMs;
    life.addEventListener('abort', () => this.breakOff(), { once: true });
  }

  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  async say(value: object): Promise<void> {
    await this.#put({ kind: 'said', bytes: Buffer.from(JSON.stringify(value)) });
  }

  async send(bytes: Uint8Array): Promise<void> {
    await this.#put({ kind: 'bytes', bytes: Buffer.from(bytes) });
  }

  end(): void {
    this.#isOver = true;
    this.#wake();
  }

  breakOff(): void {
    this.#leaving.abort(new OutboundError('unavailable', 'closed the connection'));
    this.#wake();
  }

  async *frames(): AsyncGenerator<Frame, void, undefined> {
    for (;;) {
      this.signal.throwIfAborted();
      const frame = this.#sent.shift();
      if (frame) yield frame;
      else if (this.#isOver) return;
      else
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
    }
  }

  async #put(frame: Frame): Promise<void> {
    await sleep(this.#hopMs);
    this.signal.throwIfAborted();
    this.#sent.push(frame);
    this.#wake();
  }
}
