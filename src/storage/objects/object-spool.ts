/**
 * Bytes on their way into a bucket while they come: each time a part is full it goes up, while the next one is gathered on the local disk.
 * What is left when it is closed goes up, too: as a part where it is big enough, else as an object of its own, a piece, which whoever goes on
 * with it puts into the next part. Nobody can read what is in parts before they are one object: reading it ends the growing.
 */
import type { Digest } from '../../oci/digest.ts';
import type { Spool, SpoolError, StorageKey } from '../blob-store.ts';
import { writeFailure } from '../filesystem-spool.ts';
import { GatheredBytes } from './gathered-bytes.ts';
import type { LocalSpools } from './local-spools.ts';
import type { ObjectStorage } from './object-storage.ts';
import type { ObjectWrite } from './object-write.ts';
import type { PartMemory } from './part-memory.ts';
import { leastPartBytes, type PartSizing, partBytesAt } from './part-sizes.ts';
import { readObject } from './read-fully.ts';

export interface SpoolingTools {
  readonly storage: ObjectStorage;
  readonly spools: LocalSpools;
  readonly memory: PartMemory;
  readonly sizing: PartSizing;
}

/** More pieces than this become one: each is a request for whoever needs them. */
const maxPieces = 16;

export class ObjectSpool implements Spool {
  readonly #tools: SpoolingTools;
  readonly #write: ObjectWrite;
  readonly #gathered: GatheredBytes;
  #state: 'growing' | 'broken' | 'committed' | 'aborted' | 'closed' = 'growing';
  #length: number;
  /** The part that goes up now. */
  #putting: Promise<void> | undefined;
  /** Of the part that goes up, and of what its pieces were. */
  #leaving = 0;
  #failure: SpoolError | undefined;
  #closing: Promise<void> | undefined;

  constructor(tools: SpoolingTools, write: ObjectWrite) {
    this.#tools = tools;
    this.#write = write;
    this.#gathered = new GatheredBytes(tools.spools);
    this.#length = write.partedBytes + write.piecedBytes;
  }

  get length(): number {
    return this.#length;
  }

  async append(...chunks: readonly Uint8Array[]): Promise<void> {
    const bytes = chunks.reduce((sum, { length }) => sum + length, 0);
    this.#assertGrowing();
    if (bytes === 0) return;
    await this.#orBreak('the spool cannot be written', async () => {
      if (this.#write.isSealed) throw new Error('nothing more can be added to what was read');
      await this.#gathered.append(chunks);
      this.#length += bytes;
      // What is held back is enough for a part at the end.
      const due = () => partBytesAt(this.#start, this.#tools.sizing);
      while (this.#loose >= due() + this.#tools.sizing.limits.minBytes) await this.#startPart(due());
    });
  }

  async readAt(buffer: Uint8Array, position: number): Promise<number> {
    const wanted = Math.min(buffer.length, this.#length - position);
    if (wanted <= 0) return 0;
    // What was on its way is nowhere any more.
    if (this.#failure) throw this.#failure;
    const into = buffer.subarray(0, wanted);
    await this.#putting;
    const { storage } = this.#tools;
    if (position < this.#write.partedBytes || this.#write.isSealed) {
      await this.#seal();
      await readObject(storage, this.#write.key, into, position);
      return wanted;
    }
    let start = this.#write.partedBytes;
    for (const { key, size } of this.#write.pieces) {
      const within = position - start;
      if (within < size) {
        const bytes = into.subarray(0, size - within);
        await readObject(storage, key, bytes, within);
        return bytes.length;
      }
      start += size;
    }
    return this.#gathered.readAt(into, position - start);
  }

  commit(digest: Digest): Promise<StorageKey> {
    this.#assertGrowing();
    return this.#orBreak('the spool cannot be committed', async () => {
      await this.#putting;
      if (this.#write.parts.length > 0) await this.#seal();
      else if (this.#gathered.length > 0 || this.#write.pieces.length !== 1) await this.#putPiece(true);
      const key = await this.#write.commit(digest);
      this.#state = 'committed';
      return key;
    });
  }

  async abort(): Promise<void> {
    if (this.#state !== 'growing' && this.#state !== 'broken') return;
    this.#state = 'aborted';
    await this.#putting?.catch(() => undefined);
    // What cannot be removed now is later, by whoever looks after what was left.
    await this.#write.abandon().catch(() => undefined);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const state = this.#state;
    this.#state = 'closed';
    try {
      if (state === 'growing') await this.#leave();
      else await this.#putting?.catch(() => undefined);
    } catch (cause) {
      throw writeFailure('the spool cannot be closed', cause, this.#tools.spools.space);
    } finally {
      await this.#gathered.close();
    }
  }

  /** Where the part after the one that goes up begins. */
  get #start(): number {
    return this.#write.partedBytes + this.#leaving;
  }

  /** What is in no part yet, and not on its way, in bytes. */
  get #loose(): number {
    return this.#length - this.#start;
  }

  async #leave(): Promise<void> {
    await this.#putting;
    if (this.#gathered.length > 0 && !this.#write.isSealed) {
      const least = leastPartBytes(this.#write.parts.length, this.#start, this.#tools.sizing);
      if (this.#loose >= least) await this.#putPart(this.#loose);
      else await this.#putPiece(this.#write.pieces.length >= maxPieces);
    }
    await this.#write.release();
  }

  /** Waits for the part before and for memory, and no longer. */
  async #startPart(bytes: number): Promise<void> {
    await this.#putting;
    const { part, release } = await this.#takeBytes(bytes, true);
    this.#leaving = bytes;
    this.#putting = this.#write.putPart(part).finally(() => {
      this.#leaving = 0;
      this.#putting = undefined;
      release();
    });
    // Whoever waits for it next meets its failure.
    this.#putting.catch((error: unknown) => this.#break('a part cannot be stored', error));
  }

  async #putPart(bytes: number): Promise<void> {
    await this.#startPart(bytes);
    await this.#putting;
  }

  async #putPiece(withAll: boolean): Promise<void> {
    const bytes = withAll ? this.#loose : this.#gathered.length;
    const { part, release } = await this.#takeBytes(bytes, withAll);
    try {
      await this.#write.putPiece(part, withAll);
    } finally {
      release();
    }
  }

  /** The next bytes of what was gathered, behind those of all pieces where these are wanted. */
  async #takeBytes(
    bytes: number,
    withPieces: boolean,
  ): Promise<{ readonly part: Uint8Array; readonly release: () => void }> {
    const release = await this.#tools.memory.take(bytes);
    try {
      const part = Buffer.allocUnsafeSlow(bytes);
      let done = 0;
      for (const { key, size } of withPieces ? this.#write.pieces : []) {
        await readObject(this.#tools.storage, key, part.subarray(done, done + size));
        done += size;
      }
      await this.#gathered.takeInto(part.subarray(done));
      return { part, release };
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Makes the object, with what was gathered as its last part. */
  async #seal(): Promise<void> {
    if (!this.#write.isSealed && this.#loose > 0) await this.#putPart(this.#loose);
    await this.#write.seal();
  }

  async #orBreak<T>(what: string, run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (cause) {
      throw this.#break(what, cause);
    }
  }

  /** From now on nothing can be appended or committed, for this reason. */
  #break(what: string, cause: unknown): SpoolError {
    const failure = writeFailure(what, cause, this.#tools.spools.space);
    if (this.#state !== 'growing') return failure;
    this.#state = 'broken';
    this.#failure = failure;
    return failure;
  }

  #assertGrowing(): void {
    if (this.#failure) throw this.#failure;
    if (this.#state !== 'growing') throw new Error(`the spool is ${this.#state}`);
  }
}
