/** `entrepot gc`: collects once, beside a running server or without one. */
import { createCollector, untaggedMsOf } from '../app/collector.ts';
import { reviewDelayOf } from '../app/storage.ts';
import type { Config } from '../config/config.ts';
import { databaseFile } from '../config/data-directory.ts';
import type { Outcome } from '../gc/collector.ts';
import { describeCounts, describeOutcome } from '../gc/describe-run.ts';
import { dryRun } from '../gc/dry-run.ts';
import { applyUntaggedRule } from '../gc/untagged-rule.ts';
import { type Database, openDatabase, openReadOnlyDatabase } from '../metadata/db/database.ts';
import type { Log } from '../observe/log.ts';
import { CommandRefused, type Run } from './command.ts';
import { openStores } from './with-database.ts';

export interface CollectRequest {
  readonly dryRun: boolean;
  /** Also what is not due yet. */
  readonly now: boolean;
  /** Also manifests without a tag, however long they are kept otherwise; and what is not due yet. */
  readonly deleteUntagged: boolean;
  /** Name of the only repository; undefined: all. */
  readonly repository: string | undefined;
}

export interface CollectOptions {
  readonly dryRun?: boolean | undefined;
  readonly now?: boolean | undefined;
  readonly deleteUntagged?: boolean | undefined;
  readonly repository?: string | undefined;
}

export function collection(options: CollectOptions): Run {
  const request = parseCollectRequest(options);
  return async ({ config, log, print }) => {
    await collect(config, request, log, (line) => print(`${line}\n`));
    return '';
  };
}

/** What is due, everywhere, unless said otherwise. */
export function parseCollectRequest({
  dryRun = false,
  now = false,
  deleteUntagged = false,
  repository,
}: CollectOptions): CollectRequest {
  return { dryRun, now, deleteUntagged, repository };
}

/** There is no such repository. */
export class UnknownRepository extends CommandRefused {
  override readonly name = 'UnknownRepository';
}

/** @param print takes a line. @throws UnknownRepository, and what the database throws */
export async function collect(
  config: Config,
  request: CollectRequest,
  log: Log,
  print: (line: string) => void,
): Promise<void> {
  const {
    dataDirectory,
    database: { url },
  } = config;
  const place = { url, file: databaseFile(dataDirectory), log, now: Date.now };
  const database = request.dryRun
    ? await openReadOnlyDatabase(place)
    : await openDatabase({ ...place, reviewDelayMs: reviewDelayOf(config) });
  try {
    const counts = request.dryRun
      ? await database.transaction((tx) => tryOut(config, tx, request, print))
      : await collectNow(config, database, request, log, print);
    print(describeCounts(counts, request.dryRun));
  } finally {
    await database.close();
  }
}

/** What the run and its dry run have in common, so that they decide alike. */
async function planOf(
  config: Config,
  records: Pick<Database, 'repositories'>,
  { now, deleteUntagged, repository }: CollectRequest,
) {
  return {
    isEarly: now || deleteUntagged,
    untaggedMs: deleteUntagged ? 0 : untaggedMsOf(config),
    isOnce: deleteUntagged,
    repositoryId: await findId(records, repository),
  };
}

async function tryOut(
  config: Config,
  records: Parameters<typeof dryRun>[0] & Pick<Database, 'repositories'>,
  request: CollectRequest,
  print: (line: string) => void,
) {
  const outcomes: Outcome[] = [];
  const counts = await dryRun(records, {
    ...(await planOf(config, records, request)),
    now: Date.now,
    onOutcome: (outcome) => outcomes.push(outcome),
  });
  for (const outcome of outcomes) print(await lineOf(records, outcome));
  return counts;
}

async function collectNow(
  config: Config,
  database: Database,
  request: CollectRequest,
  log: Log,
  print: (line: string) => void,
) {
  const nothing = {
    reviewed: () => undefined,
    deleted: () => undefined,
    ran: () => undefined,
    slept: () => undefined,
  };
  const { store } = await openStores(config, database, log);
  const plan = await planOf(config, database, request);
  const { untaggedMs } = plan;
  const collector = createCollector({
    config,
    database,
    store,
    untaggedMs,
    observer: nothing,
    log,
    now: Date.now,
  });
  await applyUntaggedRule(database, plan);
  const lines: Promise<void>[] = [];
  const counts = await collector.run({
    ...plan,
    onOutcome: (outcome) => void lines.push(lineOf(database, outcome).then(print)),
  });
  await Promise.all(lines);
  return counts;
}

async function findId(
  { repositories }: Pick<Database, 'repositories'>,
  name: string | undefined,
): Promise<number | undefined> {
  if (name === undefined) return undefined;
  const repository = await repositories.findByName(name);
  if (!repository) throw new UnknownRepository(`there is no repository '${name}'`);
  return repository.id;
}

async function lineOf({ repositories }: Pick<Database, 'repositories'>, outcome: Outcome): Promise<string> {
  const { repositoryId } = outcome.review;
  return describeOutcome(
    outcome,
    repositoryId === 0 ? undefined : (await repositories.find(repositoryId))?.name,
  );
}
