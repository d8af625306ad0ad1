/** The other processes of this installation that can be asked, as far as this one knows. */
import { LRUCache } from 'lru-cache';
import { RepeatedRun } from '../concurrency/repeated-run.ts';
import type { Log } from '../observe/log.ts';

export interface Peer {
  /** Another one after each start. */
  readonly id: string;
  /** Where it is reached, as host:port. */
  readonly address: string;
}

export interface PeersOptions {
  /** This process. */
  readonly self: Peer;
  /** All processes that live, this one included. */
  readonly list: () => Promise<readonly { readonly id: string; readonly address?: string | undefined }[]>;
  /** Lets a process know that there are others than it knew. @throws where it cannot be reached */
  readonly tell: (peer: Peer) => Promise<void>;
  readonly log: Log;
}

/** A process that does not come to know of another otherwise does so then. */
const everyMs = 10_000;
/** One that could not be reached is not asked again for so long; it may be dead, and listed until that is certain. */
const avoidedMs = 5000;
const maxAvoided = 1000;

export class Peers {
  readonly self: Peer;
  readonly #options: PeersOptions;
  readonly #looks: RepeatedRun;
  readonly #avoided = new LRUCache<string, true>({ max: maxAvoided, ttl: avoidedMs });
  #others: readonly Peer[] = [];

  constructor(options: PeersOptions) {
    this.self = options.self;
    this.#options = options;
    this.#looks = new RepeatedRun({
      run: () => this.#look(),
      everyMs,
      onFailure: (err, pauseMs) => options.log.warn({ err, pauseMs }, 'other processes were not looked for'),
    });
  }

  /** Whether there are others: without them nothing is shared, and nothing is written to be shared. */
  get areThere(): boolean {
    return this.#others.length > 0;
  }

  /** Those that are not known not to answer. */
  get reachable(): readonly Peer[] {
    return this.#others.filter(({ id }) => !this.#avoided.has(id));
  }

  /** It did not answer. */
  avoid(id: string): void {
    this.#avoided.set(id, true);
  }

  /** Once this process is listed, and before it serves: all others know of it then, if they can be reached. */
  async start(): Promise<void> {
    this.#looks.start();
    await this.#looks.flush();
    await Promise.all(
      this.#others.map((peer) =>
        this.#options.tell(peer).catch((err: unknown) => {
          this.avoid(peer.id);
          this.#options.log.warn({ err, peer: peer.address }, 'another process could not be reached');
        }),
      ),
    );
  }

  /** Another process says that there are others than were known. */
  refresh(): Promise<void> {
    return this.#looks.flush();
  }

  close(): Promise<void> {
    return this.#looks.stop();
  }

  async #look(): Promise<void> {
    const { list, self } = this.#options;
    this.#others = (await list()).flatMap(({ id, address }) =>
      address === undefined || id === self.id ? [] : [{ id, address }],
    );
  }
}
