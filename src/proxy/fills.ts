/**
 * The fills that run now: one per digest, whoever asks. Bytes that one origin gave are followed only by those to whom an
 * upstream of the same origin says yes: knowing a digest is not permission.
 */
import { LRUCache } from 'lru-cache';
import type { Digest } from '../oci/digest.ts';
import { OciError } from '../oci/errors.ts';
import { SpoolError } from '../storage/blob-store.ts';
import { nameOf } from './download.ts';
import { type Fill, WrongBlob } from './fill.ts';
import { type NoFill, type OpenedFill, type OpenFillTools, openFill } from './open-fill.ts';
import { findProof } from './proof.ts';
import type { PublishBlob } from './publish-blob.ts';
import { PeerFill } from './shared/peer-fill.ts';
import { type FillWriter, serveFill } from './shared/serve-fill.ts';
import type { ShareFill } from './shared/share-fill.ts';
import { includes, originOf, type Source } from './source.ts';

const endedRemembered = 10_000;
const wrongSourcesRemembered = 1000;
const wrongSourceMs = 10 * 60_000;

export interface FillTools extends OpenFillTools {
  readonly publish: PublishBlob;
  /** Undefined: there are never other processes. */
  readonly share?: ShareFill | undefined;
}

interface Running {
  readonly sources: readonly Source[];
  readonly peer: PeerFill | undefined;
  /** Rejects with what every waiting client is told. */
  readonly opened: Promise<OpenedFill | NoFill>;
  /** Sources that have said yes to the blob, all of one origin: the one it comes from first. */
  readonly proven: Source[];
  isOver: boolean;
  /** Until it has ended, however it does. */
  run: Promise<void>;
  /** By this process or another, once it has ended. */
  isStored: boolean;
}

/** A fill held for the caller, who releases it, or why there is none. */
export type Joined = { readonly fill: Fill; readonly isFollower: boolean } | NoFill;

export class Fills {
  readonly #tools: FillTools;
  readonly #running = new Map<Digest, Set<Running>>();
  readonly #runs = new Set<Promise<void>>();
  readonly #stop = new AbortController();
  /** When the last fill of a digest ended, counted in fills. */
  readonly #ended = new LRUCache<Digest, number>({ max: endedRemembered });
  #count = 0;
  /** Sources that sent wrong bytes are asked last for a while. */
  readonly #wrong = new LRUCache<string, true>({ max: wrongSourcesRemembered, ttl: wrongSourceMs });

  constructor(tools: FillTools) {
    this.#tools = tools;
  }

  /** The bytes of a digest that a fill has received so far from one of these sources; undefined when none runs. */
  async find(digest: Digest, sources: readonly Source[]): Promise<Fill | undefined> {
    for (const running of this.#running.get(digest) ?? []) {
      const opened = await running.opened.catch(() => undefined);
      if (running.proven.some((proven) => includes(sources, proven)))
        return typeof opened === 'object' ? opened.fill : undefined;
    }
    return undefined;
  }

  /** To be taken before looking for a blob in the store, and given to {@link join} when it was not there. */
  get moment(): number {
    return this.#count;
  }

  /** Whether what was not in the store at a moment may be there now. */
  hasEnded(digest: Digest, since: number): boolean {
    return (this.#ended.get(digest) ?? 0) > since;
  }

  /** Once the fills that run for it have ended: whether one of them, or one since that moment, has stored it. */
  async isStored(digest: Digest, since: number): Promise<boolean> {
    await Promise.all([...(this.#running.get(digest) ?? [])].map(({ run }) => run));
    return this.hasEnded(digest, since);
  }

  /**
   * Follows the running fill of a digest, or starts one.
   * @param sources in the order they are asked
   * @param sizeHint in bytes, for an upstream that does not say
   * @param since the {@link moment} before which the blob was not in the store
   * @param signal of who asks, for what is asked for them alone: the fill goes on without them
   * @throws OciError when no source has the blob
   */
  async join(
    digest: Digest,
    sources: readonly Source[],
    sizeHint: number | undefined,
    since: number,
    signal?: AbortSignal,
  ): Promise<Joined> {
    const seen = new Set<Running>();
    for (;;) {
      const running = [...(this.#running.get(digest) ?? [])].find(
        (each) => !seen.has(each) && mayShare(each, sources),
      );
      if (!running) break;
      seen.add(running);
      const joined = await this.#follow(running, digest, sources, signal);
      if (joined) return joined;
    }
    if (this.hasEnded(digest, since)) return 'look-again';
    signal?.throwIfAborted();
    const opened = await this.#start(digest, sources, sizeHint).opened;
    if (typeof opened === 'string') return opened;
    return { fill: opened.fill, isFollower: opened.peer !== undefined };
  }

  /** What another process may follow of this one. @param key as ShareFill has it */
  serve(key: string): ((from: number, writer: FillWriter) => Promise<void>) | undefined {
    const running = [...this.#running.values()]
      .flatMap((all) => [...all])
      .find(({ peer }) => peer?.shared.key === key);
    return running && ((from, writer) => serveFill(running, from, writer, this.#stop.signal));
  }

  /** Lets running fills end until the signal is given, then breaks them off. */
  async close(signal: AbortSignal): Promise<void> {
    const stop = () => this.#stop.abort(new OciError('UNAVAILABLE', { detail: 'the server is stopping' }));
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop);
    await Promise.all([...this.#runs]);
  }

  /** Undefined when this fill gives no right to these sources, or is over. */
  async #follow(
    running: Running,
    digest: Digest,
    sources: readonly Source[],
    signal: AbortSignal | undefined,
  ): Promise<Joined | undefined> {
    const isSame =
      running.sources.length === sources.length && running.sources.every((each) => includes(sources, each));
    const opened = await (isSame ? running.opened : running.opened.catch(() => 'uncached' as const));
    if (typeof opened === 'string') return isSame ? opened : undefined;
    if (running.isOver) return undefined;
    const { fill } = opened;
    fill.hold();
    try {
      const source =
        running.proven.find((each) => includes(sources, each)) ??
        (await findProof(sources, new Set(running.proven.map(originOf)), digest, signal));
      if (!source || running.isOver) return undefined;
      if (!includes(running.proven, source)) running.proven.push(source);
      fill.hold();
      this.#tools.observer.followed();
      return { fill, isFollower: true };
    } finally {
      await fill.release();
    }
  }

  #start(digest: Digest, sources: readonly Source[], sizeHint: number | undefined): Running {
    const isWrong = (source: Source) => Number(this.#wrong.has(keyOf(source.upstream.settings.id, digest)));
    const ordered = [...sources].sort((a, b) => isWrong(a) - isWrong(b));
    const peer = this.#tools.share?.(digest, sources);
    const proven: Source[] = [];
    const wanted = { digest, sources: ordered, sizeHint, peer };
    const opened = openFill(this.#tools, wanted, this.#stop.signal).then((found) => {
      if (typeof found === 'object') proven.push(found.source);
      return found;
    });
    const running: Running = {
      sources,
      peer,
      proven,
      opened,
      isOver: false,
      run: Promise.resolve(),
      isStored: false,
    };
    const all = this.#running.get(digest) ?? new Set();
    this.#running.set(digest, all.add(running));
    const forget = () => {
      if (!all.delete(running)) return;
      running.isOver = true;
      if (all.size === 0) this.#running.delete(digest);
    };
    const run = running.opened
      .then((found) => (typeof found === 'object' ? this.#run(running, found, forget) : undefined))
      .catch(() => undefined) // what opening failed with goes to those who wait for it
      .finally(async () => {
        forget();
        await peer?.shared.leave();
        this.#runs.delete(run);
      });
    running.run = run;
    this.#runs.add(run);
    return running;
  }

  async #run(running: Running, { fill, peer }: OpenedFill, forget: () => void): Promise<void> {
    const { observer, log, publish } = this.#tools;
    const { digest, spool } = fill;
    observer.started(fill);
    if (peer) observer.followed();
    try {
      const size = await fill.run();
      const keeper = (await running.peer?.shared.settle(this.#stop.signal)) ?? 'ours';
      // What another process keeps is linked here for whom it did not know of, and where it is lost to another, for nobody.
      const linked = { ours: running.proven, theirs: peer?.unlinked(running.proven) ?? [], lost: [] }[keeper];
      await publish({ digest, size }, spool, linked);
      running.isStored = keeper !== 'lost';
      this.#count += 1;
      this.#ended.set(digest, this.#count);
      forget();
      observer.finished('completed', fill);
    } catch (error) {
      // Before anything is waited for: the client that was refused may ask again at once.
      if (error instanceof WrongBlob && !(fill.source instanceof PeerFill))
        this.#wrong.set(keyOf(fill.source.upstream.settings.id, digest), true);
      forget();
      await spool.abort();
      if (error instanceof SpoolError) {
        observer.finished('uncached', fill);
        log.error({ digest, err: error }, 'the blob cannot be written: it is passed on uncached');
      } else {
        observer.finished('failed', fill);
        log.error({ digest, err: error, upstream: nameOf(fill.source) }, 'fill failed');
      }
    } finally {
      await fill.end();
    }
  }
}

function keyOf(upstreamId: number, digest: Digest): string {
  return `${upstreamId} ${digest}`;
}

/** Whether the fill may come from where these sources get their blobs, so that waiting for its answer is worth it. */
function mayShare(running: Running, sources: readonly Source[]): boolean {
  const origins = new Set(running.sources.map(originOf));
  return sources.some((source) => origins.has(originOf(source)));
}
