/** What the commands do that are no server. */

import type { Secrets } from '../app/secrets.ts';
import { describeBackup, describeCheck, type Unsound } from '../app/storage-reports.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';
import { backUp } from './backup.ts';
import { collect } from './collect-command.ts';
import type { Command } from './command-line.ts';
import { adopt, bringUpToDate, checkStored, createToken, listKeys, rotateKeys } from './maintenance.ts';
import { restoreBackup } from './restore.ts';
import { describeKeys } from './signing-key-list.ts';

export interface CommandContext {
  readonly config: Config;
  readonly log: Log;
  /** For what is to be seen before the end. */
  readonly print: (text: string) => void;
  readonly readSecrets: () => Promise<Secrets>;
}

/** What is to be printed at its end. @throws CommandRefused, and what the database and the store throw */
export async function runCommand(
  command: Exclude<Command, { name: 'serve' | 'config' | 'version' | 'help' }>,
  { config, log, print, readSecrets }: CommandContext,
): Promise<string | Unsound> {
  switch (command.name) {
    case 'token create':
      return `${await createToken(config, command.token, log)}\n`;
    case 'keys list':
      return describeKeys(await listKeys(config, await readSecrets(), log), Date.now());
    case 'keys rotate':
      return describeKeys(await rotateKeys(config, await readSecrets(), command.inMs, log), Date.now());
    case 'gc':
      await collect(config, command.request, log, (line) => print(`${line}\n`));
      return '';
    case 'storage check':
      return describeCheck(await checkStored(config, command.repair, log), command.repair);
    case 'storage adopt':
      return adopt(config, log);
    case 'backup':
      return describeBackup(await backUp(config, command.file, log), `Backed up to ${command.file}`);
    case 'restore':
      return describeBackup(await restoreBackup(config, command.file), `Restored from ${command.file}`);
    case 'migrate':
      await bringUpToDate(config, log);
      return 'The database is up to date.\n';
  }
}
