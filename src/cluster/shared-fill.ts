/**
 * One fill that several processes share: one of them has the lease and fetches, the others follow it from whatever position, as it grows.
 * Whoever loses sight of the owner asks for it once more, and else takes the lease over, from which then on it fetches by itself.
 */
import type { FillLease, FillLeases } from '../metadata/server/fill-leases.ts';
import type { Log } from '../observe/log.ts';
import { OutboundError } from '../outbound/outbound-error.ts';
import type { OpenedBlob } from '../upstreams/upstream.ts';
import type { Frame } from './frames.ts';
import type { PeerAnswer, PeerClient } from './peer-client.ts';
import type { Peers } from './peers.ts';
import { type FillSaid, type PeerSource, parseFillSaid } from './said.ts';

/** What is the same of a fill for all processes. */
export interface FillIdentity {
  /** Where it is asked for first, and its digest. */
  readonly key: string;
  readonly sources: readonly PeerSource[];
}

export interface SharedFillTools {
  readonly records: Pick<FillLeases, 'take' | 'isHeld' | 'release'>;
  readonly client: Pick<PeerClient, 'ask'>;
  readonly peers: Pick<Peers, 'self' | 'avoid'>;
  readonly leaseMs: number;
  /** Leases that are renewed as long as they are in it. */
  readonly held: Set<FillLease>;
  readonly log: Log;
}

/** How often another owner is looked for at once: each of them has just died, or could not be reached. */
const maxTries = 5;

/** The blob was stored by another process just before this one would have fetched it, or the rest. */
export class StoredMeanwhile extends Error {
  override readonly name = 'StoredMeanwhile';
}

export class SharedFill {
  readonly key: string;
  readonly #sources: readonly PeerSource[];
  readonly #tools: SharedFillTools;
  readonly #isStored: () => Promise<boolean>;
  #lease: FillLease | undefined;
  #answer: PeerAnswer | undefined;
  #head: FillSaid | undefined;
  #position = 0;
  /** All its bytes have come; what becomes of them has yet to be said. */
  #isComplete = false;

  /** @param isStored asked once this process has the lease, as somebody else may have had it just before */
  constructor({ key, sources }: FillIdentity, isStored: () => Promise<boolean>, tools: SharedFillTools) {
    this.key = key;
    this.#sources = sources;
    this.#isStored = isStored;
    this.#tools = tools;
  }

  /** What the process that is followed said first; undefined where none is. */
  get head(): FillSaid | undefined {
    return this.#head;
  }

  /**
   * The bytes from `start` on, from the process that fetches them.
   * @throws OutboundError 'not-found' where that is this process; StoredMeanwhile; an OciError of the one that could not get them
   */
  async open(start: number, signal: AbortSignal | undefined): Promise<OpenedBlob> {
    this.#position = start;
    let dead: FillLease | undefined;
    for (let tries = 1; tries <= maxTries; tries += 1) {
      const owner = await this.#take(dead);
      if (!owner) break;
      try {
        return await this.#follow(owner, start, signal);
      } catch (error) {
        if (!(error instanceof OutboundError)) throw error;
        const { owner: id, address } = owner;
        this.#tools.log.warn(
          { peer: address, key: this.key, reason: error.message },
          'another process was not followed',
        );
        if (error.kind !== 'not-found') this.#tools.peers.avoid(id);
        dead = owner;
      }
    }
    this.#letGo();
    if (this.#lease && (await this.#isStored())) throw new StoredMeanwhile();
    throw new OutboundError('not-found', 'no other process fetches it');
  }

  /**
   * Once all bytes are here: which process keeps them, this one or another, which has done so then.
   * @param signal given where nothing can be waited for any more
   * @returns 'lost' where it was to be this one, and another has taken its lease meanwhile; or where it is not known
   */
  async settle(signal: AbortSignal): Promise<'ours' | 'theirs' | 'lost'> {
    const leave = () => this.#answer?.close();
    signal.addEventListener('abort', leave);
    try {
      while (this.#answer && !signal.aborted) {
        if (await this.#hasStored(this.#answer)) return 'theirs';
        await this.open(this.#position, signal).catch(() => this.#letGo());
      }
    } finally {
      signal.removeEventListener('abort', leave);
    }
    if (signal.aborted && !this.#lease) return 'lost';
    if (!this.#lease) return 'ours';
    const isHeld = await this.#tools.records.isHeld(this.#lease).catch(() => true);
    return isHeld ? 'ours' : 'lost';
  }

  /** What others have is of no use to this process: it fetches for itself alone. */
  async leave(): Promise<void> {
    this.#letGo();
    const lease = this.#lease;
    this.#lease = undefined;
    if (!lease) return;
    this.#tools.held.delete(lease);
    await this.#tools.records
      .release(lease)
      .catch((err: unknown) =>
        this.#tools.log.warn({ err, key: this.key }, 'the lease of a fill was not released'),
      );
  }

  /** The lease of another process; undefined where this one has it, or nobody can be asked for it. */
  async #take(dead: FillLease | undefined): Promise<FillLease | undefined> {
    const { records, peers, leaseMs, held, log } = this.#tools;
    const { id: owner, address } = peers.self;
    try {
      const found = await records.take(this.key, { owner, address }, leaseMs, dead);
      if (found?.isTaken) {
        this.#lease = found.lease;
        held.add(found.lease);
      }
      // One of this very process is of a fill whose bytes others may not have, or was left behind.
      return found?.isTaken || found?.lease.owner === owner ? undefined : found?.lease;
    } catch (err) {
      log.warn({ err, key: this.key }, 'a fill is not shared');
      return undefined;
    }
  }

  async #follow(owner: FillLease, start: number, signal: AbortSignal | undefined): Promise<OpenedBlob> {
    this.#letGo();
    const path = `/-/fills?${new URLSearchParams({ key: this.key, from: String(start) })}`;
    const answer = await this.#tools.client.ask({ id: owner.owner, address: owner.address }, path, signal);
    try {
      const head = await nextSaid(answer.frames);
      this.#throwFailure(head);
      this.#head = head;
      this.#answer = answer;
      return {
        start,
        size: head.size,
        body: this.#bytes(answer),
        close: () => {
          if (this.#answer === answer && !this.#isComplete) answer.close();
        },
      };
    } catch (error) {
      answer.close();
      throw error;
    }
  }

  /** Written so that its reader's leaving does not end the frames: the last of them says what became of the bytes. */
  async *#bytes({ frames }: PeerAnswer): AsyncGenerator<Buffer, void, undefined> {
    for (;;) {
      const { done, value: frame } = await frames.next();
      if (done) throw new OutboundError('unavailable', 'ended without all bytes');
      if (frame.kind === 'bytes') {
        this.#position += frame.bytes.length;
        yield Buffer.from(frame.bytes.buffer, frame.bytes.byteOffset, frame.bytes.byteLength);
        continue;
      }
      const said = parseFillSaid(frame.bytes);
      this.#throwFailure(said);
      this.#isComplete = said.isComplete ?? false;
      if (this.#isComplete) return;
    }
  }

  /** What failed at the same sources fails for all; of others, this process does better by itself. */
  #throwFailure({ failure, sources = [] }: FillSaid): void {
    if (!failure) return;
    const isSame =
      sources.length === this.#sources.length &&
      this.#sources.every(({ upstreamId, repository }) =>
        sources.some((each) => each.upstreamId === upstreamId && each.repository === repository),
      );
    throw isSame ? failure : new OutboundError('not-found', 'could not get it from its sources');
  }

  async #hasStored({ frames }: PeerAnswer): Promise<boolean> {
    try {
      for (;;) {
        const said = await nextSaid(frames);
        if (said.isStored !== undefined) return said.isStored;
      }
    } catch (error) {
      if (!(error instanceof OutboundError)) throw error;
      return false;
    }
  }

  /** Of the process that was followed. */
  #letGo(): void {
    this.#answer?.close();
    this.#answer = undefined;
    this.#head = undefined;
    this.#isComplete = false;
  }
}

async function nextSaid(frames: AsyncGenerator<Frame, void, undefined>): Promise<FillSaid> {
  for (;;) {
    const { done, value: frame } = await frames.next();
    if (done) throw new OutboundError('unavailable', 'ended too soon');
    if (frame.kind === 'said') return parseFillSaid(frame.bytes);
  }
}
