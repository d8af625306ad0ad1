/** `entrepot storage check`: reads all that is stored, beside a running server too, and says what is wrong with it. */
import { type CheckReport, checkStorage, type Fault } from '../gc/storage-check.ts';
import type { CommandContext, Run, Unsound } from './command.ts';
import { openStores, withDatabase } from './with-database.ts';

export function storageCheck({ repair = false }: { readonly repair?: boolean | undefined }): Run {
  return async (context) => describeCheck(await checkStored(context, repair), repair);
}

export async function checkStored(
  { config, log }: Pick<CommandContext, 'config' | 'log'>,
  repair: boolean,
): Promise<CheckReport> {
  return withDatabase(config, log, async (database) => {
    const { store, inventory } = await openStores(config, database, log);
    return checkStorage({ database, store, inventory, repair, log, now: Date.now });
  });
}

const meanings: Readonly<Record<Fault['kind'], string>> = {
  corrupt: 'bytes of another digest',
  missing: 'a record without bytes',
  orphaned: 'bytes without a record',
};

/** Sound where nothing was found, or all of it was repaired and can be fetched again. */
function describeCheck({ blobs, bytes, faults }: CheckReport, repaired: boolean): string | Unsound {
  const lines = faults.map(
    (fault) => `${fault.kind} (${meanings[fault.kind]}): ${fault.digest}${remedyOf(fault)}`,
  );
  const read = `${blobs} blobs with ${bytes} bytes were read.`;
  if (faults.length === 0) return `${read} All are sound.\n`;
  const done = repaired
    ? 'What is corrupt is quarantined, and what no record names is removed.'
    : 'Nothing was changed; --repair quarantines what is corrupt and removes what no record names.';
  const text = `${[...lines, `${read} ${faults.length} faults. ${done}`].join('\n')}\n`;
  const isLost = faults.some(({ kind, repositories }) => kind !== 'orphaned' && repositories.length > 0);
  return repaired && !isLost ? text : { text };
}

function remedyOf({ kind, repositories, storageKey }: Fault): string {
  if (kind === 'orphaned') return ` in ${storageKey}`;
  if (repositories.length === 0) return ', which the next pull fetches again';
  return `, which has to be pushed again to ${repositories.join(', ')}`;
}
