/** A body that gives what it is handed, when it is handed. */
export class OpenBody implements AsyncIterable<Buffer> {
  readonly #given: (Buffer | Error | undefined)[] = [];
  readonly #waiting = Promise.withResolvers<void>();
  #wake: (() => void) | undefined;

  constructor(...texts: string[]) {
    for (const text of texts) this.give(Buffer.from(text));
  }

  /** Once all that was given at first has been read, and more is waited for. */
  get isWaitedFor(): Promise<void> {
    return this.#waiting.promise;
  }

  /** A chunk; an Error where it breaks off; undefined: the end. */
  give(chunk: Buffer | Error | undefined): void {
    // Whoever gets a chunk may do with its memory what they like.
    this.#given.push(chunk instanceof Buffer ? Buffer.from(chunk) : chunk);
    this.#wake?.();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      while (this.#given.length === 0) {
        this.#waiting.resolve();
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const next = this.#given.shift();
      if (next === undefined) return;
      if (next instanceof Error) throw next;
      yield next;
    }
  }
}
