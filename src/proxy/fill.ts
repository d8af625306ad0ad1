/**
 * One download of a blob into the store, read by any number of clients while it grows. It belongs to nobody: clients come
 * late, read slowly and leave without changing anything for the others. Its last bytes stay back until the digest is verified.
 */
import type { Hash } from 'node:crypto';
import { type Algorithm, algorithmOf, type Digest, finishDigest, hasherOf } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { type Spool, SpoolError } from '../storage/blob-store.ts';
import { type BufferBudget, readChunks } from '../storage/chunk-reader.ts';
import type { Download } from './download.ts';
import type { FillObserver } from './fill-observer.ts';
import type { Source } from './source.ts';

/** What clients do not get before the digest is verified. */
const heldBackBytes = 16 * 1024;
/** Followers are woken for so many new bytes at once, or after so long: each waking of each of them has its price. */
const wakeBytes = 256 * 1024;
const wakeMs = 5;

export interface FillResult {
  readonly size: number;
  /** In hex. */
  readonly sha1: string;
}

export class Fill {
  readonly digest: Digest;
  /** Of the blob, in bytes; undefined where nobody says. */
  readonly size: number | undefined;
  readonly #download: Download;
  readonly #spool: Spool;
  readonly #buffers: BufferBudget;
  readonly #observer: FillObserver;
  readonly #hash: Hash;
  readonly #sha1 = hasherOf('sha1');
  readonly #waiting = new Set<Follower>();
  #waking: NodeJS.Timeout | undefined;
  #announced = 0;
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
    this.#buffers = tools.buffers;
    this.#observer = tools.observer;
    this.#hash = hasherOf(algorithmOf(digest));
  }

  /** Bytes that readers may have now. */
  get visible(): number {
    if (this.#state === 'verified') return this.#spool.length;
    return Math.max(0, Math.min(this.#spool.length, (this.size ?? this.#spool.length) - heldBackBytes));
  }

  /** Where the bytes come from now. */
  get source(): Source {
    return this.#download.source;
  }

  get spool(): Spool {
    return this.#spool;
  }

  /**
   * Downloads and verifies; readers are released before the bytes are durable.
   * @throws OciError when the bytes are not to be had or are wrong; SpoolError when they cannot be written
   */
  async run(): Promise<FillResult> {
    try {
      for await (const chunk of this.#download.chunks()) {
        if (this.#spool.length + chunk.length > (this.size ?? Infinity)) this.#wrong('is too long');
        await this.#spool.append(chunk);
        this.#hash.update(chunk);
        this.#sha1.update(chunk);
        this.#observer.spooled(chunk.length);
        this.#wakeSoon();
      }
      const found = finishDigest(algorithmOf(this.digest), this.#hash.copy());
      if (found !== this.digest) this.#wrong(`has the digest ${found}`);
      this.#state = 'verified';
      return { size: this.#spool.length, sha1: this.#sha1.digest('hex') };
    } catch (error) {
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
    const readAt = (buffer: Uint8Array, at: number) => this.#readWhenThere(buffer, at, follower, signal);
    let position = start;
    try {
      for await (const chunk of readChunks({ readAt }, start, end ?? this.size ?? Infinity, this.#buffers)) {
        position += chunk.length;
        yield chunk;
      }
      // Of an empty blob there are no last bytes to hold back.
      if (this.size === 0) await readAt(Buffer.alloc(0), 0);
    } catch (error) {
      if (!(error instanceof SpoolOver)) throw error;
      const isWhole = end === undefined && position === this.#spool.length;
      yield* rest(position, isWhole ? this.#hash.copy() : undefined);
    } finally {
      signal.removeEventListener('abort', leave);
    }
  }

  /** Waits for bytes at `position`; 0 at the end. @throws SpoolOver where there will be none */
  async #readWhenThere(
    buffer: Uint8Array,
    position: number,
    follower: Follower,
    signal: AbortSignal,
  ): Promise<number> {
    for (;;) {
      signal.throwIfAborted();
      if (this.#state === 'failed') throw this.#failure;
      const available = (this.#state === 'uncached' ? this.#spool.length : this.visible) - position;
      if (available > 0) return this.#spool.readAt(buffer.subarray(0, available), position);
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
    this.#observer.spooled(-this.#spool.length);
    await this.#spool.close();
  }

  #wrong(how: string): never {
    const { name } = this.source.upstream.settings;
    throw new WrongBlob(`upstream ${name} sent a blob that ${how} in place of ${this.digest}`);
  }

  #wakeSoon(): void {
    if (this.#announced === 0 || this.#spool.length - this.#announced >= wakeBytes) this.#wake();
    else this.#waking ??= setTimeout(() => this.#wake(), wakeMs);
  }

  #wake(): void {
    clearTimeout(this.#waking);
    this.#waking = undefined;
    this.#announced = this.#spool.length;
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
