/** What the command line says of what is stored. */
import type { BackupSummary } from '../commands/backup.ts';
import type { CheckReport, Fault } from '../gc/storage-check.ts';

/** A report of what is not as it should be: the command has failed. */
export interface Unsound {
  readonly text: string;
}

const meanings: Readonly<Record<Fault['kind'], string>> = {
  corrupt: 'bytes of another digest',
  missing: 'a record without bytes',
  orphaned: 'bytes without a record',
};

/** Sound where nothing was found, or all of it was repaired and can be fetched again. */
export function describeCheck({ blobs, bytes, faults }: CheckReport, repaired: boolean): string | Unsound {
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

/** Not sound where bytes were missing. */
export function describeBackup({ blobs, bytes, missing }: BackupSummary, done: string): string | Unsound {
  const text = `${done}: ${blobs} blobs with ${bytes} bytes.\n`;
  if (missing.length === 0) return text;
  const count = `${missing.length} blobs had lost their bytes before, and are not in it:`;
  return { text: `${text}${[count, ...missing].join('\n')}\nSee entrepot storage check.\n` };
}
