/**
 * A task that fetches images before anybody asks for them, a few at once, through the fills and breakers that pulls go through. What has
 * come of each image is recorded, so that a process that dies leaves the rest to the next; blobs that are here are not fetched again.
 */
import type { DueImage } from '../../metadata/cached/prewarms.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { Log } from '../../observe/log.ts';
import { OciError } from '../../oci/errors.ts';
import { parseImage } from '../../oci/reference.ts';
import type { VirtualRegistries } from '../virtual-registries.ts';
import { ImageWarming } from './image-warming.ts';
import { NoRoom } from './warmable-repository.ts';

export interface PrewarmObserver {
  /** An image is here, or will not be. */
  prewarmed(result: 'done' | 'failed'): void;
  /** @param bytes that an upstream sent */
  prewarmFetched(bytes: number): void;
}

export interface PrewarmRoom {
  /** See CacheRoom. */
  lastingBytes(groupId: number): Promise<number | undefined>;
}

export interface PrewarmOptions {
  readonly database: Pick<Database, 'prewarms'>;
  readonly registries: Pick<VirtualRegistries, 'findWarmable'>;
  readonly room: PrewarmRoom;
  readonly observer: PrewarmObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export const prewarmTask = 'cache.prewarm';
/** Images in one run, so that what was asked for meanwhile is not kept waiting. */
const batchSize = 60;
/** Clients come first: upstreams and disks are theirs. */
const imagesAtOnce = 3;
/** Of an image whose upstreams cannot be asked, doubled each time: half an hour in all. */
const firstPauseMs = 60_000;
const maxTries = 5;
const defaultRetryAfterSeconds = 60;
const maxReasonLength = 1000;

export class PrewarmTask {
  readonly name = prewarmTask;
  readonly everyMs = 30_000;
  readonly #options: PrewarmOptions;

  constructor(options: PrewarmOptions) {
    this.#options = options;
  }

  /** @throws what the database throws, once nothing of this run goes on */
  async run(signal: AbortSignal) {
    const { prewarms } = this.#options.database;
    await prewarms.restartDue();
    const due = await prewarms.listDue(batchSize);
    const result = { tried: 0, bytes: 0 };
    const queue = due.values();
    const lines = Array.from({ length: imagesAtOnce }, async () => {
      for (const image of queue) {
        if (signal.aborted) return;
        result.bytes += await this.#warm(image, signal);
        result.tried += 1;
      }
    });
    for (const line of await Promise.allSettled(lines)) if (line.status === 'rejected') throw line.reason;
    return { result, again: due.length === batchSize };
  }

  /** @returns the bytes that were fetched */
  async #warm(due: DueImage, signal: AbortSignal): Promise<number> {
    const { database, registries, observer } = this.#options;
    let fetched = 0;
    const onFetched = async (bytes: number) => {
      fetched += bytes;
      observer.prewarmFetched(bytes);
      if (!(await database.prewarms.advance(due.id, bytes))) throw new Cancelled();
    };
    try {
      if (!(await database.prewarms.advance(due.id, 0))) return fetched;
      await this.#demandRoom(due);
      const { image, reference } = parseImage(due.image);
      const repository = await registries.findWarmable(due.registryId, image);
      if (!repository) return fetched;
      const { platforms } = due;
      await new ImageWarming({ repository, platforms, onFetched, signal }).run(reference);
      if (await database.prewarms.end(due.id, undefined)) observer.prewarmed('done');
    } catch (error) {
      if (!signal.aborted && !(error instanceof Cancelled)) await this.#note(due, error);
    }
    return fetched;
  }

  /** What is more than the cache holds would push out what came before it. @throws NoRoom */
  async #demandRoom({ groupId, prewarmId }: DueImage): Promise<void> {
    const { database, room } = this.#options;
    const lasting = await room.lastingBytes(groupId);
    if (lasting !== undefined && (await database.prewarms.bytesOf(prewarmId)) >= lasting)
      throw new NoRoom(
        `the cache holds no more: ${lasting} bytes were fetched, and more would evict them again`,
      );
  }

  async #note(due: DueImage, error: unknown): Promise<void> {
    const { database, observer, log, now } = this.#options;
    const { prewarms } = database;
    const { image, registryId } = due;
    if (error instanceof NoRoom) {
      const reason = `stopped: ${error.message}`;
      log.warn({ registryId, reason }, 'images were not fetched ahead: there is no room');
      const stopped = await prewarms.stop(due.prewarmId, reason);
      for (let index = 0; index < stopped; index += 1) observer.prewarmed('failed');
      return;
    }
    if (!(error instanceof OciError))
      log.error({ err: error, image, registryId }, 'an image was not fetched ahead');
    const { reason, waitMs, tries } = verdictOn(error, due.tries);
    if (waitMs !== undefined) return prewarms.postpone(due.id, now() + waitMs, tries, reason);
    if (await prewarms.end(due.id, reason)) observer.prewarmed('failed');
  }
}

/** Nobody wants it any more. */
class Cancelled extends Error {}

/** Who is told to wait waits, however often; other failures pass, or do not. */
function verdictOn(
  error: unknown,
  tries: number,
): { readonly reason: string; readonly waitMs: number | undefined; readonly tries: number } {
  const reason = (
    error instanceof OciError ? error.message : 'an error in this server, of which its log says more'
  ).slice(0, maxReasonLength);
  if (error instanceof OciError && error.code === 'TOOMANYREQUESTS') {
    const seconds = Number(error.headers['Retry-After'] ?? defaultRetryAfterSeconds);
    return { reason, waitMs: seconds * 1000, tries };
  }
  const mayPass = !(error instanceof OciError) || error.status >= 500;
  const waitMs = mayPass && tries < maxTries ? firstPauseMs * 2 ** tries : undefined;
  return { reason, waitMs, tries: tries + 1 };
}
