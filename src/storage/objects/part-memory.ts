/** Memory for parts on their way to a bucket, of all transfers together: who finds none waits for their turn. */
export class PartMemory {
  readonly #maxBytes: number;
  readonly #waiting: { readonly bytes: number; readonly start: () => void }[] = [];
  #taken = 0;

  /** @param maxBytes exceeded only by a part that is bigger, which is alone then */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** The memory is the caller's until what this gives is called. */
  async take(bytes: number): Promise<() => void> {
    if (this.#waiting.length > 0 || !this.#fits(bytes)) {
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#waiting.push({ bytes, start: resolve });
      await promise;
    } else {
      this.#taken += bytes;
    }
    return () => {
      this.#taken -= bytes;
      this.#startNext();
    };
  }

  #startNext(): void {
    for (let next = this.#waiting[0]; next && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#taken += next.bytes;
      next.start();
    }
  }

  #fits(bytes: number): boolean {
    return this.#taken === 0 || this.#taken + bytes <= this.#maxBytes;
  }
}
