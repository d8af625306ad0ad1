/** What a command is given, and what it answers. */
import type { Secrets } from '../app/secrets.ts';
import type { Config } from '../config/config.ts';
import type { Log } from '../observe/log.ts';

export interface CommandContext {
  readonly config: Config;
  readonly log: Log;
  /** For what is to be seen before the end. */
  readonly print: (text: string) => void;
  readonly readSecrets: () => Promise<Secrets>;
}

/** What is to be printed at its end. @throws CommandRefused, and what the database and the store throw */
export type Run = (context: CommandContext) => Promise<string | Unsound>;

/** A report of what is not as it should be: the command has failed. */
export interface Unsound {
  readonly text: string;
}

/** Why a command has done nothing, in a sentence. */
export class CommandRefused extends Error {
  override readonly name: string = 'CommandRefused';
}

/** What was typed is no command of ours; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
