/** What a backup looks like, and how its making and its restoring are told. */
import type { Config } from '../config/config.ts';
import { CommandRefused, type Unsound } from './command.ts';

/** The names in the archive; blobs are below `blobs/` under their storage keys. */
export const backupNames = {
  begin: 'entrepot-backup.json',
  database: 'entrepot.db',
  secretKey: 'secret.key',
  blobs: 'blobs/',
  end: 'complete.json',
} as const;
export const backupFormat = 1;

export interface BackupSummary {
  readonly blobs: number;
  /** Of them. */
  readonly bytes: number;
  /** Digests of blobs whose bytes are not here, and so not in the backup either. */
  readonly missing: readonly string[];
}

/** Why there is no backup, or nothing was restored, in a sentence. */
export class BackupRefused extends CommandRefused {
  override readonly name = 'BackupRefused';
}

/** @throws BackupRefused */
export function demandEmbedded({ database }: Config): void {
  if (database.url !== undefined) {
    throw new BackupRefused(
      'backup and restore are for the embedded SQLite; for PostgreSQL see docs/operations.md, Backup',
    );
  }
}

/** Not sound where bytes were missing. */
export function describeBackup({ blobs, bytes, missing }: BackupSummary, done: string): string | Unsound {
  const text = `${done}: ${blobs} blobs with ${bytes} bytes.\n`;
  if (missing.length === 0) return text;
  const count = `${missing.length} blobs had lost their bytes before, and are not in it:`;
  return { text: `${text}${[count, ...missing].join('\n')}\nSee entrepot storage check.\n` };
}
