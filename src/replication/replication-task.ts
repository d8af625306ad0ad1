/**
 * A task that does what replication rules ask for, tag by tag. What is to be done and what came of it is recorded, so that a process that
 * dies leaves the rest to the next; what is there already is not sent again.
 */
import { eachOf } from '../concurrency/each-of.ts';
import type { HostedLimits } from '../hosted/hosted-options.ts';
import type { Database } from '../metadata/db/database.ts';
import { hourMs, type ReplicationRule } from '../metadata/replication/replication-rules.ts';
import type { OpenReplicationRun } from '../metadata/replication/replication-runs.ts';
import type { DueTag, ReplicationOutcome } from '../metadata/replication/replication-tags.ts';
import type { Log } from '../observe/log.ts';
import { parseTag } from '../oci/reference.ts';
import { RegistryConnection, type ReplicationPlaces } from './registry-connection.ts';
import { replicateTag, type TagResult } from './tag-replication.ts';
import { firstPauseMs, maxTries, verdictOn } from './verdict.ts';

export interface ReplicationObserver {
  /** @param bytes of blobs that were sent, or fetched */
  replicated(direction: ReplicationRule['direction'], outcome: ReplicationOutcome, bytes: number): void;
}

export interface ReplicationTaskOptions {
  readonly database: Pick<
    Database,
    'replicationRules' | 'replicationRuns' | 'replicationTags' | 'transaction'
  >;
  readonly places: ReplicationPlaces;
  readonly limits: Pick<HostedLimits, 'maxManifestBytes' | 'maxManifestReferences' | 'sparseManifests'>;
  readonly observer: ReplicationObserver;
  readonly log: Log;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export const replicationTask = 'replication';
/** Clients come first: the network and the disk are theirs. */
const tagsAtOnce = 6;
/** One registry that is slow leaves room for others. */
const tagsAtOncePerRule = 2;
/** So that schedules and new rules are looked at meanwhile. */
const maxRunMs = 60_000;

interface UnderWay {
  readonly ruleId: number;
  readonly ended: Promise<void>;
  readonly end: () => void;
}

/** Of one run of the task. */
interface Work {
  readonly connections: Map<number, Promise<RegistryConnection>>;
  readonly underWay: Map<number, UnderWay>;
  readonly signal: AbortSignal;
  tried: number;
}

export class ReplicationTask {
  readonly name = replicationTask;
  readonly everyMs = 5000;
  readonly #options: ReplicationTaskOptions;

  constructor(options: ReplicationTaskOptions) {
    this.#options = options;
  }

  /** @throws what the database throws, once nothing of this run goes on */
  async run(signal: AbortSignal) {
    const { replicationRuns } = this.#options.database;
    await this.#openScheduled();
    const open = await replicationRuns.listOpen();
    const work: Work = { connections: new Map(), underWay: new Map(), signal, tried: 0 };
    const endsAt = this.#options.now() + maxRunMs;
    try {
      await eachOf(open, tagsAtOnce, (run) => this.#list(run, work));
      if (open.length > 0) await eachOf(this.#due(work, endsAt), tagsAtOnce, (due) => this.#work(due, work));
    } finally {
      for (const connection of await Promise.allSettled(work.connections.values()))
        if (connection.status === 'fulfilled') await connection.value.close();
    }
    // As they are now: what came meanwhile keeps them open.
    if (!signal.aborted) for (const run of await replicationRuns.listOpen()) await replicationRuns.end(run);
    return { result: { tried: work.tried }, again: this.#options.now() >= endsAt };
  }

  async #openScheduled(): Promise<void> {
    const { database, now } = this.#options;
    for (const { id, everyHours = 1 } of await database.replicationRules.listDue())
      await database.transaction(async ({ replicationRules, replicationRuns }) => {
        await replicationRuns.request(id, 'schedule');
        await replicationRules.postpone(id, now() + everyHours * hourMs);
      });
  }

  async #list(run: OpenReplicationRun, work: Work): Promise<void> {
    const { database, now } = this.#options;
    const { replicationRuns, replicationTags } = database;
    if (run.listDueAt === undefined || run.pausedUntil > now() || work.signal.aborted) return;
    try {
      const connection = await this.#connect(run.ruleId, work);
      if (!connection) return;
      for await (const { repository, tags } of connection.list())
        await replicationTags.add(
          run.id,
          tags.map((tag) => ({ repository, tag })),
        );
      const before = connection.rule.deletesTags ? await replicationRuns.findListedBefore(run) : undefined;
      if (before) await replicationTags.add(run.id, await replicationTags.listGone(before.id, run.id));
      await replicationRuns.noteListed(run.id);
    } catch (error) {
      if (!work.signal.aborted) await this.#pause(run, error);
    }
  }

  /** The next tags, until there are none. */
  async *#due({ underWay, signal }: Work, endsAt: number): AsyncGenerator<DueTag, void, undefined> {
    const { database, now } = this.#options;
    while (!signal.aborted && now() < endsAt) {
      const all = [...underWay.values()];
      const counts = Map.groupBy(all, ({ ruleId }) => ruleId);
      const busy = [...counts].flatMap(([ruleId, { length }]) =>
        length >= tagsAtOncePerRule ? [ruleId] : [],
      );
      const due = await database.replicationTags.findDue(busy, [...underWay.keys()]);
      if (due) {
        // Before anybody else asks for the next one.
        const { promise: ended, resolve: end } = Promise.withResolvers<void>();
        underWay.set(due.id, { ruleId: due.ruleId, ended, end });
        yield due;
      } else if (all.length > 0) await Promise.race(all.map(({ ended }) => ended));
      else return;
    }
  }

  async #work(due: DueTag, work: Work): Promise<void> {
    work.tried += 1;
    try {
      await this.#replicate(due, work);
    } finally {
      work.underWay.get(due.id)?.end();
      work.underWay.delete(due.id);
    }
  }

  async #replicate(due: DueTag, work: Work): Promise<void> {
    const { database, limits } = this.#options;
    try {
      const connection = await this.#connect(due.ruleId, work);
      if (!connection) return;
      const { rule } = connection;
      const isFor = connection.isFor(due.repository, due.tag);
      if (!isFor) return await database.replicationTags.remove(due.id);
      const sides = await connection.sidesOf(due.repository);
      const result = await replicateTag({ ...sides, rule, limits }, parseTag(due.tag));
      await database.replicationRuns.resume(due.runId);
      await this.#end(due, result);
    } catch (error) {
      if (!work.signal.aborted) await this.#fail(due, error);
    }
  }

  async #end(due: DueTag, result: TagResult): Promise<void> {
    const { database, observer } = this.#options;
    await database.replicationTags.end(due, result);
    observer.replicated(due.direction, result.outcome, result.bytes);
  }

  async #fail(due: DueTag, error: unknown): Promise<void> {
    const { database, log, now } = this.#options;
    const { reason, isOfAll, waitMs, isBug } = verdictOn(error, due.tries);
    const fields = { rule: due.ruleId, repository: due.repository, tag: due.tag, reason };
    if (isBug) log.error({ err: error, ...fields }, 'a tag was not replicated');
    else log.warn(fields, 'a tag was not replicated');
    if (isOfAll) {
      const run = (await database.replicationRuns.listOpen()).find(({ id }) => id === due.runId);
      return run && this.#pause(run, error);
    }
    if (waitMs !== undefined)
      return database.replicationTags.postpone(due, now() + waitMs, due.tries + 1, reason);
    await this.#end(due, { outcome: 'failed', reason, bytes: 0 });
  }

  /** All that is still to be done waits for the other registry, or has failed. */
  async #pause({ id, ruleId, tries, pausedUntil }: OpenReplicationRun, error: unknown): Promise<void> {
    const { database, log, now } = this.#options;
    const { replicationRuns } = database;
    // Whoever was under way beside it has said so already.
    if (pausedUntil > now()) return;
    const { reason, isLimited, waitMs, isBug } = verdictOn(error, tries);
    if (isBug) log.error({ err: error, rule: ruleId }, 'a replication run failed');
    else log.warn({ rule: ruleId, reason }, 'a replication run waits, or has failed');
    if (waitMs === undefined || tries >= maxTries) return replicationRuns.giveUp(id, reason);
    const pauseMs = isLimited ? waitMs : Math.max(waitMs, firstPauseMs * 2 ** tries);
    await replicationRuns.pause(id, now() + pauseMs, isLimited ? tries : tries + 1, reason);
  }

  /** Undefined where the rule is gone or turned off. */
  async #connect(ruleId: number, { connections, signal }: Work): Promise<RegistryConnection | undefined> {
    const { database, places } = this.#options;
    const known = connections.get(ruleId);
    if (known) return known;
    const rule = await database.replicationRules.find(ruleId);
    if (!rule?.enabled) return undefined;
    const opened = connections.get(ruleId) ?? RegistryConnection.open(places, rule, signal);
    connections.set(ruleId, opened);
    return opened;
  }
}
