/**
 * One download of a blob into the store, read by any number of clients while it grows. It belongs to nobody: clients come
 * late, read slowly and leave without changing anything for the others. Its last bytes stay back until the digest is verified.
 */
import type { Hash } from 'node:crypto';
import { interruptible } from '../concurrency/interruptible.ts';
import { type Algorithm, algorithmOf, type Digest, finishDigest, hasherOf } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { type Spool, SpoolError } from '../storage/blob-store.ts';
import type { BufferBudget } from '../storage/chunk-reader.ts';
import { type BlobSource, type Download, nameOf } from './download.ts';
import type { FillObserver } from './fill-observer.ts';
import { PeerFill } from './shared/peer-fill.ts';
import type { Source } from './source.ts';
import { SpoolWindow } from './spool-window.ts';

/** What clients do not get before the digest is verified. */
const heldBackBytes = 16 * 1024;

export class Fill {
  readonly digest: Digest;
  /** Of the blob, in bytes; undefined where nobody says. */
  readonly size: number | undefined;
  readonly #download: Download;
  readonly #spool: Spool;
  readonly #window: SpoolWindow;
  readonly #observer: FillObserver;
  readonly #hash: Hash;
  readonly #waiting = new Set<Follower>();
  #state: 'filling' | 'verified' | 'failed' | 'uncached' = 'filling';
  #failure: unknown;
  #readers = 0;
  #isOver = false;

  constructor(
    digest: Digest,
    download: Download,
    sizeHint: number | undefined,
    spool: Spool,
    tools: { readonly buffers: BufferBudget; readonly observer: FillObserver },
  ) {
    this.digest = digest;
    this.size = download.size ?? sizeHint;
    this.#download = download;
    this.#spool = spool;
    this.#observer = tools.observer;
    this.#hash = hasherOf(algorithmOf(digest));
    this.#window = new SpoolWindow(spool, tools.buffers, (bytes) => this.#take(bytes));
  }

  /** Bytes that readers may have now. */
  get visible(): number {
    const { length } = this.#window;
    if (this.#state === 'verified') return length;
    return Math.max(0, Math.min(length, (this.size ?? length) - heldBackBytes));
  }

  /** Where the bytes come from now. */
  get source(): BlobSource {
    return this.#download.source;
  }

  get upstreamSource(): Source | undefined {
    const { source } = this;
    return source instanceof PeerFill ? undefined : source;
  }

  get readers(): number {
    return this.#readers;
  }

  get spool(): Spool {
    return this.#spool;
  }

  /**
   * Downloads and verifies; readers are released before the bytes are durable.
   * @returns the size in bytes
   * @throws OciError when the bytes are not to be had or are wrong; SpoolError when they cannot be written
   */
  async run(): Promise<number> {
    const window = this.#window;
    try {
      for await (const chunk of interruptible(this.#download.chunks(), window.failed)) {
        if (window.received + chunk.length > (this.size ?? Infinity)) this.#wrong('is too long');
        await window.add(chunk);
      }
      await window.written();
      const found = finishDigest(algorithmOf(this.digest), this.#hash.copy());
      if (found !== this.digest) this.#wrong(`has the digest ${found}`);
      this.#state = 'verified';
      return window.length;
    } catch (error) {
      this.#download.close();
      await window.written().catch(() => undefined);
      this.#state = error instanceof SpoolError ? 'uncached' : 'failed';
      this.#failure = error;
      throw error;
    } finally {
      this.#wake();
    }
  }

  /**
   * The bytes from `start` to `end` as they arrive.
   * @param rest the bytes from a position on, for when the spool can take no more; with the hash of all before where the
   *   whole blob is read, so that it can be verified
   */
  async *read(
    start: number,
    end: number | undefined,
    rest: (position: number, hash: Hash | undefined) => AsyncIterable<Uint8Array>,
    signal: AbortSignal,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const follower: Follower = { wake: () => undefined };
    const leave = () => follower.wake();
    signal.addEventListener('abort', leave);
    const last = end ?? this.size ?? Number.POSITIVE_INFINITY;
    let position = start;
    try {
      // Of an empty blob there are no last bytes to hold back.
      while (position < last || this.size === 0) {
        const available = await this.#waitFor(position, follower, signal);
        if (available === 0 && position < last && last < Number.POSITIVE_INFINITY)
          throw new Error(`the bytes end at ${position} and not at ${last}`);
        if (available === 0) break;
        const { bytes, release } = await this.#window.lend(position);
        try {
          const chunk = bytes.subarray(0, Math.min(available, last - position));
          position += chunk.length;
          yield chunk;
        } finally {
          release();
        }
      }
    } catch (error) {
      if (!(error instanceof SpoolOver)) throw error;
      const isWhole = end === undefined && position === this.#spool.length;
      yield* rest(position, isWhole ? this.#hash.copy() : undefined);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** How many bytes there are from `position` on, at least one; 0 at the end. @throws SpoolOver where there will be none */
  async #waitFor(position: number, follower: Follower, signal: AbortSignal): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#state === 'failed') throw this.#failure;
      const available = (this.#state === 'uncached' ? this.#window.length : this.visible) - position;
      if (available > 0) return available;
      if (this.#state === 'verified') return 0;
      if (this.#state === 'uncached') throw new SpoolOver();
      await this.#advance(follower);
    }
  }

  /** Keeps the spool readable until {@link release}. */
  hold(): void {
    this.#readers += 1;
  }

  async release(): Promise<void> {
    this.#readers -= 1;
    await this.#closeIfUnused();
  }

  /** Nobody will join any more. */
  async end(): Promise<void> {
    this.#isOver = true;
    await this.#closeIfUnused();
  }

  async #closeIfUnused(): Promise<void> {
    if (!this.#isOver || this.#readers > 0) return;
    this.#observer.spooled(-this.#window.length);
    this.#window.close();
    await this.#spool.close();
  }

  #wrong(how: string): never {
    throw new WrongBlob(`upstream ${nameOf(this.source)} sent a blob that ${how} in place of ${this.digest}`);
  }

  #take(bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.#observer.spooled(bytes.length);
    this.#wake();
  }

  #wake(): void {
    const waiting = [...this.#waiting];
    this.#waiting.clear();
    for (const follower of waiting) follower.wake();
  }

  #advance(follower: Follower): Promise<void> {
    return new Promise((resolve) => {
      follower.wake = resolve;
      this.#waiting.add(follower);
    });
  }
}

/** One who waits for more bytes, or has just been woken. */
interface Follower {
  wake: () => void;
}

/** The spool has all the bytes it could take. */
class SpoolOver extends Error {}

/** An upstream sent other bytes than it was asked for. */
export class WrongBlob extends OciError {
  constructor(detail: string) {
    super('UNAVAILABLE', { detail, status: 502 });
  }
}

/** Passes chunks on, the last one only once all of them (after what `hash` has seen) have the digest. @throws WrongBlob */
export async function* verified(
  chunks: AsyncIterable<Buffer>,
  digest: Digest,
  hash: Hash,
): AsyncGenerator<Buffer, void, undefined> {
  const algorithm: Algorithm = algorithmOf(digest);
  let held: Buffer | undefined;
  for await (const chunk of chunks) {
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  const found = finishDigest(algorithm, hash);
  if (found !== digest)
    throw new WrongBlob(`an upstream sent a blob with the digest ${found} in place of ${digest}`);
  if (held) yield held;
}
