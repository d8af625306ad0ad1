/** An answer in frames, with a beat wherever nothing else is sent for a while. */
import type { ServerResponse } from 'node:http';
import { type FrameKind, frameHeader } from './frames.ts';

const beatMs = 1000;

export class FrameWriter {
  readonly #response: ServerResponse;
  readonly #beats: NodeJS.Timeout;
  readonly #leaving = new AbortController();
  #waiting: ((error: unknown) => void) | undefined;

  /** @param response whose headers are set; they are sent at once */
  constructor(response: ServerResponse) {
    this.#response = response;
    this.#beats = setInterval(() => this.#beat(), beatMs).unref();
    response.once('close', () => this.#leave());
    response.once('error', () => this.#leave());
    response.flushHeaders();
  }

  /** Given once whoever asked has left. */
  get signal(): AbortSignal {
    return this.#leaving.signal;
  }

  /** @param value as JSON. @throws the signal's reason */
  say(value: object): Promise<void> {
    return this.#write('said', Buffer.from(JSON.stringify(value)));
  }

  /** Resolves when the bytes are no longer needed. @throws the signal's reason */
  send(bytes: Uint8Array): Promise<void> {
    return this.#write('bytes', bytes);
  }

  end(): void {
    clearInterval(this.#beats);
    this.#response.end();
  }

  /** So that whoever asked sees that this is not all. */
  breakOff(): void {
    clearInterval(this.#beats);
    this.#response.destroy();
  }

  #write(kind: FrameKind, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.signal.aborted) return reject(this.signal.reason);
      this.#waiting = reject;
      this.#response.cork();
      this.#response.write(frameHeader(kind, bytes.length));
      this.#response.write(bytes, (error) => {
        if (error) return this.#leave();
        this.#waiting = undefined;
        resolve();
      });
      this.#response.uncork();
    });
  }

  /** Not where others wait to be taken: they say as much once they come. */
  #beat(): void {
    if (this.#response.writableLength === 0) this.#response.write(frameHeader('beat', 0));
  }

  #leave(): void {
    clearInterval(this.#beats);
    this.#leaving.abort(new Error('the process that asked has left'));
    this.#waiting?.(this.#leaving.signal.reason);
  }
}
