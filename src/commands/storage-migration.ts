/** `entrepot storage migrate`: moves what other stores have to one, beside running servers or without them. */
import { createStores, type Stores } from '../app/storage.ts';
import { bytes } from '../config/setting-values.ts';
import { listOutside, type MoveOutcome, moveBlobs } from '../gc/storage-move.ts';
import type { Database } from '../metadata/db/database.ts';
import { createPace } from '../storage/pace.ts';
import { StoreAbsent } from '../storage/store-identity.ts';
import { storeNameOf } from '../storage/stores-by-key.ts';
import { type CommandContext, CommandRefused, type Run, type Unsound, UsageError } from './command.ts';
import { showProgress } from './progress.ts';
import { withDatabase } from './with-database.ts';

export interface MigrationOptions {
  readonly to?: string | undefined;
  readonly dryRun?: boolean | undefined;
  readonly bytesPerSecond?: string | undefined;
}

interface Amount {
  blobs: number;
  bytes: number;
}

/** @throws UsageError */
export function storageMigration(options: MigrationOptions): Run {
  const rate = parseRate(options.bytesPerSecond);
  return async (context) => {
    const { config, log } = context;
    const to = options.to ?? config.storage.driver;
    return withDatabase(config, log, async (database) => {
      const stores = await createStores(config, database, log);
      try {
        const amounts = await countOutside(database, to);
        await demandStores(stores, [to, ...amounts.keys()]);
        if (options.dryRun) return describeAmounts(amounts, to);
        const left = await move(context, database, stores, to, rate, totalOf(amounts));
        return await describeEnd(context, database, to, left);
      } finally {
        await stores.store.close();
      }
    });
  };
}

/** Bytes in a second; undefined: as many as there are. @throws UsageError */
export function parseRate(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const parsed = bytes().safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError(`--bytes-per-second: '${text}' is no number of bytes such as 52428800 or 50MiB`);
}

/** By the names of the stores that they are in. */
async function countOutside(database: Database, to: string): Promise<ReadonlyMap<string, Amount>> {
  const amounts = new Map<string, Amount>();
  for await (const { storageKey, size } of listOutside(database, to)) {
    const name = storeNameOf(storageKey);
    const amount = amounts.get(name) ?? { blobs: 0, bytes: 0 };
    amount.blobs += 1;
    amount.bytes += size;
    amounts.set(name, amount);
  }
  return amounts;
}

function totalOf(amounts: ReadonlyMap<string, Amount>): Amount {
  const all = [...amounts.values()];
  return {
    blobs: all.reduce((sum, { blobs }) => sum + blobs, 0),
    bytes: all.reduce((sum, each) => sum + each.bytes, 0),
  };
}

/** @throws CommandRefused where one cannot be used, or is not the one that the records are about */
async function demandStores({ byName }: Stores, names: readonly string[]): Promise<void> {
  for (const name of names) {
    const store = byName.get(name);
    if (!store) {
      const known = [...byName.keys()].join(', ');
      throw new CommandRefused(`the settings have no store ${name}: there are ${known}`);
    }
    try {
      await store.identity.check();
    } catch (error) {
      if (!(error instanceof StoreAbsent)) throw error;
      throw new CommandRefused(`${name} cannot be used: ${error.reason}`);
    }
  }
}

/** What could not be moved, a line for each. */
async function move(
  { terminal }: Pick<CommandContext, 'terminal'>,
  database: Database,
  stores: Stores,
  to: string,
  bytesPerSecond: number | undefined,
  total: Amount,
): Promise<readonly string[]> {
  const target = stores.byName.get(to);
  if (!target) throw new Error(`there is no store ${to}`);
  const left: string[] = [];
  const progress = await showProgress(terminal, `Moving ${total.blobs} blobs`, total.bytes);
  await moveBlobs({
    database,
    stores: stores.store,
    target: target.store,
    targetName: to,
    pace: createPace(bytesPerSecond),
    onOutcome(outcome, { digest, size, storageKey }) {
      progress.advance(size);
      if (outcome === 'missing' || outcome === 'corrupt')
        left.push(`${outcome} (${meanings[outcome]}): ${digest} in ${storageKey}`);
    },
  }).finally(() => progress.end());
  return left;
}

const meanings: Readonly<Record<Extract<MoveOutcome, 'missing' | 'corrupt'>, string>> = {
  missing: 'a record without bytes',
  corrupt: 'bytes of another digest',
};

function describeAmounts(amounts: ReadonlyMap<string, Amount>, to: string): string {
  const lines = [...amounts].map(
    ([name, amount]) =>
      `${amount.blobs} blobs with ${amount.bytes} bytes would move from ${name} to ${to}.\n`,
  );
  return lines.join('') || `All blobs are in ${to}.\n`;
}

/** What was written elsewhere meanwhile is there still, and is read from there. */
async function describeEnd(
  { config }: Pick<CommandContext, 'config'>,
  database: Database,
  to: string,
  left: readonly string[],
): Promise<string | Unsound> {
  const { blobs } = totalOf(await countOutside(database, to));
  const written = blobs - left.length;
  const isCurrent = config.storage.driver === to;
  const lines = [...left];
  if (left.length > 0) lines.push(`${left.length} blobs could not be moved: entrepot storage check --repair`);
  if (written > 0) lines.push(`${written} blobs were written elsewhere meanwhile: run this again`);
  if (lines.length === 0) lines.push(`All blobs are in ${to}. Their old copies are removed in a day or two.`);
  if (!isCurrent) lines.push(`New bytes go to ${config.storage.driver} until storage.driver says ${to}.`);
  const text = `${lines.join('\n')}\n`;
  return left.length > 0 ? { text } : text;
}
