/**
 * Pulls, on their way to those who want to be told of them: kept in memory for half a second, then recorded together, so that no pull
 * waits for it or writes anything itself. What is not recorded yet when the process dies is not told, and when there is too much at
 * once, what is over is dropped and counted.
 */
import { WriteBehind } from '../concurrency/write-behind.ts';
import type { Database } from '../metadata/db/database.ts';
import type { Records } from '../metadata/db/records.ts';
import type { Log } from '../observe/log.ts';
import type { Digest } from '../oci/digest.ts';
import type { RepositoryName, Tag } from '../oci/reference.ts';
import type { EventOrigin, RegistryEvent } from '../oci/registry-event.ts';
import type { WebhookObserver } from './webhook-observer.ts';

export interface PullNote {
  readonly repository: RepositoryName;
  readonly mediaType: string;
  readonly digest: Digest;
  /** In bytes; undefined where it is not known. */
  readonly size: number | undefined;
  readonly tag: Tag | undefined;
  readonly actorName: string;
  readonly origin: EventOrigin;
}

export interface PullEventsOptions {
  readonly database: Pick<Database, 'transaction'> & Pick<Records, 'webhooks' | 'repositories'>;
  readonly readOnlyReason: () => Promise<string | undefined>;
  readonly observer: Pick<WebhookObserver, 'pullsLost'>;
  readonly log: Log;
  readonly maxQueued: number;
}

const flushMs = 500;
/** Flushes until it is looked again who wants to hear of pulls. */
const flushesPerLook = 4;

export class PullEvents {
  readonly #options: PullEventsOptions;
  /** Projects whose pulls someone wants to hear of, as of the last flush; undefined among them: all. */
  #wanted: ReadonlySet<number | undefined> = new Set();
  #flushes = 0;
  readonly #pulls: WriteBehind<PullNote, PullNote>;

  constructor(options: PullEventsOptions) {
    const { observer, log } = options;
    this.#options = options;
    this.#pulls = new WriteBehind({
      record: (batch) => this.#record([...batch.values()]),
      // Each pull is one of its own.
      merge: (_, newer) => newer,
      everyMs: flushMs,
      max: options.maxQueued,
      prepare: () => this.#prepare(),
      onFailure: (err, pulls) => log.error({ err, pulls }, 'pulls not recorded for webhooks; trying again'),
      onLost: (pulls) => {
        observer.pullsLost(pulls);
        log.error({ pulls }, 'too many pulls at once: webhooks are not told of some');
      },
    });
  }

  async start(): Promise<void> {
    this.#wanted = await this.#options.database.webhooks.listPullPlaces();
    this.#pulls.start();
  }

  /** Whether anybody wants to hear of any pull. */
  get areWanted(): boolean {
    return this.#wanted.size > 0;
  }

  note(pull: PullNote): void {
    this.#pulls.add(pull, pull);
  }

  /** Resolves when everything noted before is recorded, or kept for the next time because recording failed. */
  flush(): Promise<void> {
    return this.#pulls.flush();
  }

  close(): Promise<void> {
    return this.#pulls.close();
  }

  /** Whether pulls can be recorded now. */
  async #prepare(): Promise<boolean> {
    const { database, readOnlyReason } = this.#options;
    this.#flushes += 1;
    if (this.#flushes % flushesPerLook === 0) this.#wanted = await database.webhooks.listPullPlaces();
    return this.#pulls.isEmpty || (await readOnlyReason()) === undefined;
  }

  async #record(batch: readonly PullNote[]): Promise<void> {
    const { database } = this.#options;
    const events: RegistryEvent[] = [];
    for (const [name, pulls] of Map.groupBy(batch, ({ repository }) => repository)) {
      const repository = await database.repositories.findByName(name);
      const isWanted = repository && (this.#wanted.has(undefined) || this.#wanted.has(repository.projectId));
      if (!isWanted) continue;
      const { id: repositoryId, projectId } = repository;
      events.push(...pulls.map((pull) => ({ ...pull, action: 'pull' as const, projectId, repositoryId })));
    }
    if (events.length > 0) await database.transaction((tx) => tx.webhookOutbox.add(...events));
  }
}
