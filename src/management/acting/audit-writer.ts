/**
 * Writes audit events of what is not a change, and so has no transaction of its own: in the background, so that nobody waits for it
 * and nothing fails of it. What repeats is written at once the first time, then once a minute with how often it happened.
 */
import { LRUCache } from 'lru-cache';
import { upTo } from '../../cache/up-to.ts';
import { WriteBehind } from '../../concurrency/write-behind.ts';
import type { Database } from '../../metadata/db/database.ts';
import type { NewAuditEvent } from '../../metadata/server/audit-events.ts';
import type { Log } from '../../observe/log.ts';

export interface AuditWriterOptions {
  readonly database: Pick<Database, 'auditEvents' | 'projects' | 'transaction'>;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** An event without its place where that is found when it is written. */
export interface NotedEvent extends NewAuditEvent {
  /** The name of a hosted repository, whose project the event belongs to. */
  readonly repository?: string;
}

interface Repeated {
  readonly event: NotedEvent;
  /** How often it happened since it was last written. */
  count: number;
  /** When it may be written again; epoch milliseconds. */
  dueAt: number;
}

interface Queued {
  readonly event: NotedEvent;
  /** The event is not written where one like it, from the same address, is there already. */
  readonly isOnce: boolean;
}

const flushMs = 1000;
const repeatMs = 60_000;
const maxQueued = 2000;
const maxRepeated = 10_000;
const maxKnown = 20_000;

export class AuditWriter {
  readonly #options: AuditWriterOptions;
  readonly #events: WriteBehind<Queued, Queued>;
  readonly #repeated = new Map<string, Repeated>();
  readonly #known: LRUCache<string, true>;
  #isClosing = false;

  constructor(options: AuditWriterOptions) {
    const { log } = options;
    this.#options = options;
    this.#known = new LRUCache(upTo(maxKnown));
    this.#events = new WriteBehind({
      record: (batch) => this.#record([...batch.values()]),
      // Each event is one of its own.
      merge: (_, newer) => newer,
      everyMs: flushMs,
      max: maxQueued,
      prepare: () => {
        this.#writeRepeated(this.#isClosing ? Number.POSITIVE_INFINITY : options.now());
        return true;
      },
      onFailure: (err, events) => log.error({ err, events }, 'audit events not written; trying again later'),
      onLost: (events) => log.error({ events }, 'too many audit events at once: some are lost'),
    });
    this.#events.start();
  }

  /** At most one event a minute for each key; the details get its `count`. */
  note(key: string, event: () => NotedEvent): void {
    const known = this.#repeated.get(key);
    if (known) {
      known.count += 1;
      return;
    }
    if (this.#repeated.size >= maxRepeated) {
      this.#events.lose();
      return;
    }
    const repeated = { event: event(), count: 1, dueAt: this.#options.now() + repeatMs };
    this.#repeated.set(key, repeated);
    this.#write(repeated);
  }

  /** One event for each key, ever, as far as the records go back: action, target and address say which. */
  noteOnce(key: string, event: () => NotedEvent): void {
    if (this.#known.get(key)) return;
    this.#known.set(key, true);
    this.#enqueue({ event: event(), isOnce: true });
  }

  /** Resolves when everything noted before is written, or kept for the next time because writing failed. */
  flush(): Promise<void> {
    return this.#events.flush();
  }

  /** Writes what there is, including what waits for its minute. */
  close(): Promise<void> {
    this.#isClosing = true;
    return this.#events.close();
  }

  #write(repeated: Repeated): void {
    const { event, count } = repeated;
    repeated.count = 0;
    this.#enqueue({ event: { ...event, details: { ...event.details, count } }, isOnce: false });
  }

  #enqueue(queued: Queued): void {
    this.#events.add(queued, queued);
  }

  /** Writes the events whose minute is over. */
  #writeRepeated(now: number): void {
    for (const [key, repeated] of this.#repeated) {
      if (repeated.dueAt > now) continue;
      if (repeated.count === 0) {
        this.#repeated.delete(key);
      } else {
        repeated.dueAt = now + repeatMs;
        this.#write(repeated);
      }
    }
  }

  async #record(batch: readonly Queued[]): Promise<void> {
    await this.#options.database.transaction(async (tx) => {
      for (const { event, isOnce } of batch) {
        const { repository, ...written } = event;
        if (isOnce && (await isKnown(tx, written))) continue;
        const project = repository === undefined ? undefined : await tx.projects.findOwner(repository);
        await tx.auditEvents.add(project ? { ...written, projectPath: project.fullPath } : written);
      }
    });
  }
}

async function isKnown(
  { auditEvents }: Pick<Database, 'auditEvents'>,
  { action, targetId, address }: NewAuditEvent,
): Promise<boolean> {
  const filter = { action, targetType: action.split('.', 1)[0], targetId: String(targetId), address };
  return (await auditEvents.list(filter, { page: 1, perPage: 1 })).total > 0;
}
